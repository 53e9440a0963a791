-- a window without a group
INSERT INTO out SELECT window_start, id FROM tumble(events, ts, '1 hour') WHERE n > 3 AND window_start > '2026-01-01 00:00:00+00';
