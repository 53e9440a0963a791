-- slide that does not divide the size
INSERT INTO out SELECT window_start, count(*) FROM hop(events, ts, interval '40 seconds', interval '1 minute') GROUP BY window_start;
