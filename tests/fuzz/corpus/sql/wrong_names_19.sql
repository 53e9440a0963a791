-- position in group by
INSERT INTO out SELECT window_start, count(*) FROM tumble(events, ts, '1 minute') GROUP BY 3;
