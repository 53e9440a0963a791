-- distinct goes below the projection of a view
SET state_ttl = '1 hour';
CREATE VIEW cleaned AS SELECT id, coalesce(upper(id), 'x') AS name, n, ts FROM events;
INSERT INTO out SELECT DISTINCT ON (id) id, name FROM cleaned;
