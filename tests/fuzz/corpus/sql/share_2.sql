-- other windows share the scan only
INSERT INTO out SELECT window_start, count(*) FROM tumble(events, ts, '1 minute') GROUP BY window_start;
INSERT INTO shown SELECT window_start, count(*) FROM tumble(events, ts, '1 hour') GROUP BY window_start;
