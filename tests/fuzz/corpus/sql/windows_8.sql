-- a view between the window and its group
CREATE VIEW windowed AS SELECT window_start AS begun, window_end AS ended, id, n FROM tumble(events, ts, '1 hour') WHERE ok;
INSERT INTO out SELECT begun, id, sum(n) FROM windowed GROUP BY begun, ended, id;
