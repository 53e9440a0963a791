-- views in views, renamed columns
CREATE VIEW a (key) AS SELECT id, n FROM events WHERE n > 0;
CREATE VIEW b AS SELECT key, n * 2 AS n2 FROM a WHERE key <> '';
INSERT INTO out SELECT * FROM b WHERE n2 > 10;
