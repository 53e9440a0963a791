-- emit changes
INSERT INTO shown SELECT id, count(*) FROM events GROUP BY id EMIT CHANGES;
