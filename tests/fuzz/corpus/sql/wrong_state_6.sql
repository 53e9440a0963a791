-- the window is there, but not in group by
INSERT INTO shown SELECT id, count(*) FROM tumble(events, ts, '1 minute') GROUP BY id;
