-- window over window
CREATE VIEW minutes AS SELECT window_start, window_end, id, sum(n) AS n FROM tumble(events, ts, '1 minute') GROUP BY window_start, window_end, id;
INSERT INTO out SELECT h.window_start, max(h.n) AS peak FROM tumble((SELECT window_start AS at, n FROM minutes), at, '1 hour') h GROUP BY h.window_start, h.window_end;
