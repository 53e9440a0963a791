-- distinct on with a time to live
CREATE VIEW once WITH (state_ttl = '1 hour') AS SELECT DISTINCT ON (id) id, upper(id) AS u, ts FROM events WHERE n > 0;
INSERT INTO out SELECT * FROM once;
