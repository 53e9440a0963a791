-- window's columns inside
INSERT INTO out SELECT max(window_end) FROM tumble(events, ts, '1 minute') GROUP BY window_start;
INSERT INTO out SELECT count(*) FROM tumble(events, ts, '1 minute') GROUP BY window_start, window_end::text || id;
INSERT INTO out SELECT window_start, count(*) FROM tumble(events, ts, '1 minute') WHERE window_start > ts GROUP BY window_start;
