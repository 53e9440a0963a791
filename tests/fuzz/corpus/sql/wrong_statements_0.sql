-- statements that are no part of a pipeline
SELECT id FROM events;
CREATE MATERIALIZED VIEW v AS SELECT id FROM events;
UPDATE events SET id = 'x';
DELETE FROM events;
DROP TABLE events;
ALTER TABLE events ADD COLUMN a int;
CREATE INDEX ON events (id);
BEGIN;
EXPLAIN SELECT id FROM events;
CREATE SCHEMA s;
CREATE USER MAPPING FOR public SERVER kafka OPTIONS (password 'x');
LISTEN x;
