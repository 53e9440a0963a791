-- event time that is not selected still bounds the state
CREATE VIEW once WITH (state_ttl = '1 hour') AS SELECT DISTINCT ON (id) id, n FROM events;
INSERT INTO out SELECT * FROM once;
