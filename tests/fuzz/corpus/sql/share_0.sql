-- two queries over one view read one scan, with the columns of both
CREATE VIEW once WITH (state_ttl = '1 hour') AS SELECT DISTINCT ON (id) * FROM events;
INSERT INTO out SELECT id, n FROM once;
INSERT INTO shown SELECT id, x FROM once;
