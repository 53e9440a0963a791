-- keys that are expressions, ordinals and names
SET state_ttl = '10 minutes';
INSERT INTO out SELECT DISTINCT ON (lower(id), 2, m) id, n + 1 AS k, n * 2 AS m FROM events;
