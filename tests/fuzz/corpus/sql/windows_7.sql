-- a join above the window
INSERT INTO out SELECT window_start, u.segment, count(*) FROM tumble(events, ts, '1 hour') w LEFT JOIN users u ON u.id = w.id GROUP BY window_start, window_end, u.segment;
