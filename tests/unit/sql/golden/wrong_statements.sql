CREATE SERVER kafka FOREIGN DATA WRAPPER kafka; CREATE SERVER lake FOREIGN DATA WRAPPER parquet; CREATE SERVER console FOREIGN DATA WRAPPER console;
CREATE FOREIGN TABLE events (id text, user_id int, big bigint, x double precision, ok boolean, day date, at timestamp, ts timestamptz OPTIONS (watermark '30 seconds')) SERVER kafka OPTIONS (topic 'events');
CREATE FOREIGN TABLE plain (id text, n int, at timestamptz) SERVER kafka OPTIONS (topic 'plain');
CREATE TABLE users (id text PRIMARY KEY, user_id int, segment text); COPY users FROM 'dim/users.csv' (FORMAT csv, HEADER);
CREATE FOREIGN TABLE out () SERVER lake; CREATE FOREIGN TABLE shown () SERVER console;
-- case: statements that are no part of a pipeline
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
-- case: forms of create
CREATE TABLE a (id text) WITH (connector = 'kafka');
CREATE TABLE b (id text, n int, PRIMARY KEY (id, n));
CREATE TABLE c (id text UNIQUE);
CREATE TABLE d (LIKE users);
CREATE SERVER kafka FOREIGN DATA WRAPPER kafka;
CREATE FUNCTION f(a text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN a; END $$;
CREATE FUNCTION g(a text) RETURNS text LANGUAGE sql AS $$ SELECT id FROM events $$;
CREATE FUNCTION h(a text) RETURNS text LANGUAGE sql AS $$ SELECT upper( $$;
CREATE FUNCTION i(a text DEFAULT 'x') RETURNS text LANGUAGE sql AS $$ SELECT a $$;
CREATE PROCEDURE j() LANGUAGE sql AS $$ SELECT 1 $$;
CREATE FUNCTION k(a text) RETURNS text LANGUAGE sql AS $$ SELECT k(a) $$;
CREATE VIEW l (a, b) AS SELECT id FROM events;
-- case: forms of insert
INSERT INTO out SELECT id FROM events RETURNING id;
WITH x AS (SELECT id FROM events) INSERT INTO out SELECT id FROM x;
INSERT INTO out DEFAULT VALUES;
INSERT INTO out (a, b) SELECT id FROM events;
INSERT INTO users SELECT id FROM events;
INSERT INTO users VALUES ('1', 1, 'a');
-- case: forms of select
INSERT INTO out SELECT FROM events;
INSERT INTO out SELECT events.* IS NULL AS a, a.b.c AS b, events FROM events;
INSERT INTO out SELECT id FROM public.events;
INSERT INTO out SELECT ARRAY[1, 2] AS a, ROW(1, 2) AS b, id COLLATE "C" AS c, $1 AS d, sum(x) OVER () AS e, upper(x => id) AS f, current_user AS g, B'01' AS h FROM events;
INSERT INTO out SELECT id FROM events GROUP BY ROLLUP (id);
INSERT INTO out SELECT upper(DISTINCT id) AS a, sum(*) AS b, count() AS c FROM events;
INSERT INTO out SELECT id FROM events FOR UPDATE;
INSERT INTO out SELECT id FROM events TABLESAMPLE SYSTEM (10);
INSERT INTO out SELECT interval '1' day to second AS a FROM events;
