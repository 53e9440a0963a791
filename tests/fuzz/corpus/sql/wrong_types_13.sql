-- sum of text
INSERT INTO out SELECT window_start, sum(id) FROM tumble(events, ts, '1 minute') GROUP BY window_start;
