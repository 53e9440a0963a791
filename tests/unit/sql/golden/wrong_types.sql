CREATE SERVER kafka FOREIGN DATA WRAPPER kafka; CREATE SERVER lake FOREIGN DATA WRAPPER parquet; CREATE SERVER console FOREIGN DATA WRAPPER console;
CREATE FOREIGN TABLE events (id text, user_id int, big bigint, x double precision, ok boolean, day date, at timestamp, ts timestamptz OPTIONS (watermark '30 seconds')) SERVER kafka OPTIONS (topic 'events');
CREATE FOREIGN TABLE plain (id text, n int, at timestamptz) SERVER kafka OPTIONS (topic 'plain');
CREATE TABLE users (id text PRIMARY KEY, user_id int, segment text); COPY users FROM 'dim/users.csv' (FORMAT csv, HEADER);
CREATE FOREIGN TABLE out () SERVER lake; CREATE FOREIGN TABLE shown () SERVER console;
-- case: argument of a function
INSERT INTO out SELECT upper(user_id) FROM events;
-- case: arguments of an operator
INSERT INTO out SELECT id + 1 AS a, ok * 2 AS b, day + ts AS c FROM events;
-- case: comparison of text with a number
INSERT INTO out SELECT id FROM events WHERE id = 5;
-- case: condition that is no boolean
INSERT INTO out SELECT id FROM events WHERE user_id;
-- case: literal that is no date, time, number, boolean or interval
INSERT INTO out SELECT id FROM events WHERE day = '2026-13-40';
INSERT INTO out SELECT id FROM events WHERE ts > 'yesterday';
INSERT INTO out SELECT id FROM events WHERE user_id = 'five';
INSERT INTO out SELECT id FROM events WHERE ok = 'perhaps';
INSERT INTO out SELECT ts + interval '1 fortnight' AS a FROM events;
-- case: interval where a time is meant
INSERT INTO out SELECT id FROM events WHERE ts > '1 hour';
-- case: casts that do not exist
INSERT INTO out SELECT user_id::timestamptz AS a, day::int AS b, ok::date AS c FROM events;
-- case: case with unlike results
INSERT INTO out SELECT CASE WHEN ok THEN id ELSE user_id END AS a FROM events;
-- case: coalesce and in of unlike types
INSERT INTO out SELECT coalesce(id, user_id) AS a, user_id IN (1, day) AS b FROM events;
-- case: types without support
CREATE FOREIGN TABLE t (a hugeint, b ubigint, c tinyint, d int[3], e timetz, f serial, g money, h bit(3), i texxt) SERVER kafka OPTIONS (topic 't');
-- case: precision and scale
CREATE FOREIGN TABLE t (a numeric(39, 2), b numeric(0), c numeric(3, 4), d numeric(5, -1)) SERVER kafka OPTIONS (topic 't');
-- case: composite types
CREATE TYPE text AS (a int);
CREATE TYPE addr AS (zip int, zip text);
CREATE TYPE part AS (a addr, b nope);
CREATE TYPE twice AS (a int); CREATE TYPE twice AS (a int);
CREATE TYPE self AS (a self);
CREATE TYPE none AS ();
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE FOREIGN TABLE t (a addr, b twise) SERVER kafka OPTIONS (topic 't');
-- case: a source cannot read an interval
CREATE FOREIGN TABLE t (a interval) SERVER kafka OPTIONS (topic 't');
INSERT INTO out SELECT a::text AS a FROM t;
-- case: a sink cannot store an interval
INSERT INTO out SELECT ts - ts AS a FROM events;
-- case: a sink cannot store fields without names
INSERT INTO out SELECT ROW(id, 1) AS a FROM events;
-- case: watermark on a text
CREATE FOREIGN TABLE t (ts text OPTIONS (watermark '1 s')) SERVER kafka OPTIONS (topic 't');
-- case: sum of text
INSERT INTO out SELECT window_start, sum(id) FROM tumble(events, ts, '1 minute') GROUP BY window_start;
-- case: number of arguments
CREATE FUNCTION f(a text, b text) RETURNS text LANGUAGE sql AS $$ SELECT a || b $$;
INSERT INTO out SELECT f(id) AS a, upper() AS b, replace(id, 'a') AS c FROM events;
-- case: result of a function
CREATE FUNCTION f(a text) RETURNS int LANGUAGE sql AS $$ SELECT a $$;
-- case: number too large
INSERT INTO out SELECT 1e999 AS a FROM events;
-- case: rows of a static table
CREATE TABLE codes (code int PRIMARY KEY, label text);
INSERT INTO codes VALUES (1, 'one', 'more');
INSERT INTO codes VALUES (NULL, 'none');
INSERT INTO codes VALUES ('x', 'y');
INSERT INTO codes VALUES (1, upper('y'));
