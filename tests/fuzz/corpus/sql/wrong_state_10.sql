-- aggregates in the wrong place
INSERT INTO out SELECT id FROM events WHERE count(*) > 1;
INSERT INTO out SELECT window_start FROM tumble(events, ts, '1 minute') GROUP BY window_start, count(*);
INSERT INTO out SELECT window_start, sum(count(*)) FROM tumble(events, ts, '1 minute') GROUP BY window_start;
