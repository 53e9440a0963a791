-- windows
INSERT INTO out SELECT window_start FROM tumble(events, id, '1 minute');
INSERT INTO out SELECT window_start FROM tumble(events, at, '1 minute');
INSERT INTO out SELECT window_start FROM tumble(plain, at, '1 minute');
INSERT INTO out SELECT window_start FROM tumble(events, ts);
INSERT INTO out SELECT window_start FROM tumble(events, ts, interval '1 month');
INSERT INTO out SELECT window_start FROM tumble(events, ts, '0 seconds');
INSERT INTO out SELECT window_start FROM tumble(events, ts, 60);
INSERT INTO out SELECT window_start FROM hop(events, ts, '1 minute', '30 seconds');
INSERT INTO out SELECT window_start FROM hop(events, ts, '1 ms', '1 day');
INSERT INTO out SELECT window_start FROM session(events, ts, '1 minute');
INSERT INTO out SELECT window_start FROM tumbel(events, ts, '1 minute');
INSERT INTO out SELECT window_start FROM tumble('events', ts, '1 minute');
INSERT INTO out SELECT id, tumble(ts, '1 minute') AS w FROM events;
INSERT INTO out SELECT window_start FROM tumble(events, date_trunc('hour', ts), '1 minute');
CREATE VIEW computed AS SELECT id, ts + interval '1 day' AS ts FROM events;
INSERT INTO out SELECT window_start FROM tumble(computed, ts, '1 minute');
