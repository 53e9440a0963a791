-- distinct by event time below a window lives as long as the window
CREATE VIEW once AS SELECT DISTINCT ON (id, ts) id, ts, n FROM events;
INSERT INTO out SELECT window_start, sum(n) FROM hop(once, ts, '1 minute', '10 minutes') GROUP BY window_start;
