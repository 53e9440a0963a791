-- order by and limit
INSERT INTO out SELECT id FROM events ORDER BY ts;
INSERT INTO out SELECT id FROM events LIMIT 10;
INSERT INTO out SELECT DISTINCT ON (id) id FROM events ORDER BY id, ts;
