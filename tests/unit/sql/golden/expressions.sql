CREATE SERVER kafka FOREIGN DATA WRAPPER kafka OPTIONS (bootstrap_servers 'b:9092');
CREATE SERVER lake FOREIGN DATA WRAPPER parquet OPTIONS (path 'data/lake');
CREATE SERVER console FOREIGN DATA WRAPPER console;
CREATE FOREIGN TABLE events (
  id text, n int, big bigint, x double precision, ok boolean, day date, at timestamp,
  ts timestamptz OPTIONS (watermark '30 seconds')
) SERVER kafka OPTIONS (topic 'events');
CREATE FOREIGN TABLE plain (id text, n int, at timestamptz) SERVER kafka OPTIONS (topic 'plain');
CREATE TABLE users (id text PRIMARY KEY, segment text, age int, since date);
COPY users FROM 'dim/users.csv' (FORMAT csv, HEADER);
CREATE FOREIGN TABLE out () SERVER lake;
CREATE FOREIGN TABLE shown () SERVER console;
-- case: arithmetic casts int to bigint to double
INSERT INTO out SELECT n + 1 AS a, n + big AS b, n / 2 AS c, big * x AS d, n % 3 AS e, -n AS f, n // 2 AS g, 2 ^ 3 AS h FROM events;
-- case: precedence is kept
INSERT INTO out SELECT (n + 1) * 2 AS a, n + 1 * 2 AS b, NOT (ok OR n > 1) AND x < 2 AS c FROM events;
-- case: comparisons with literals of other types
INSERT INTO out SELECT id FROM events WHERE n = '5' AND x >= 1 AND day < '2026-01-31' AND ts > '2026-01-01 00:00:00+00' AND at <> day AND ok = 'true';
-- case: between, in, like
INSERT INTO out SELECT n BETWEEN 1 AND big AS a, n NOT BETWEEN 1 AND 2 AS b, id IN ('a', 'b') AS c, n NOT IN (1, 2, NULL) AS d, id LIKE 'a%' AS e, id NOT ILIKE '_b' AS f, id LIKE '5!%' ESCAPE '!' AS g FROM events;
-- case: null tests and truth tests
INSERT INTO out SELECT n IS NULL AS a, n IS NOT NULL AS b, ok IS TRUE AS c, ok IS NOT FALSE AS d, ok IS UNKNOWN AS e, n IS DISTINCT FROM big AS f, n IS NOT DISTINCT FROM NULL AS g FROM events;
-- case: case, coalesce, nullif, greatest
INSERT INTO out SELECT CASE WHEN n > 1 THEN 'a' WHEN ok THEN 'b' END AS a, CASE n WHEN 1 THEN x WHEN 2 THEN 3 ELSE big END AS b, coalesce(n, big, 0) AS c, nullif(id, '') AS d, greatest(n, x, 3) AS e, least(day, '2026-01-01') AS f, ifnull(x, 0) AS g FROM events;
-- case: NULLs alone
INSERT INTO out SELECT NULL AS a, CASE WHEN ok THEN NULL END AS b, coalesce(NULL, NULL) AS c, NULL = NULL AS d, NULL IS NULL AS e, nullif(NULL, 1) AS f, NULL IN (NULL) AS g, -NULL AS h, upper(NULL) AS i FROM events;
-- case: casts
INSERT INTO out SELECT n::text AS a, CAST(id AS int) AS b, try_cast(id AS double precision) AS c, ts::date AS d, at::timestamptz AS e, x::int AS f, ok::int AS g, '5'::int AS h, date '2026-01-31' AS i, NULL::text AS j, 'x'::text AS k FROM events;
-- case: names of columns without as
INSERT INTO out SELECT id, upper(id), x::int, coalesce(n, 0), n + 1 FROM events;
-- case: times
INSERT INTO out SELECT ts + interval '1 day 2 hours' AS a, interval '5' minute + ts AS b, day + 1 AS c, day + interval '1 month' AS d, ts - interval '1 hour' AS e, epoch(ts - timestamptz '2026-01-01 00:00:00+00') AS f, day - date '2026-01-01' AS g, extract(hour FROM ts) AS h, date_part('years', day) AS i, extract(epoch FROM at) AS j, date_trunc('Hour', ts) AS k, year(day) AS l, to_timestamp(n) AS m, to_timestamp(id) AS o, date_bin('15 minutes', ts, '2026-01-01 00:00:00+00') AS p, epoch_ms(big) AS q, 2 * interval '1 hour' + at AS r FROM events;
-- case: units of date_trunc, and rounding of whole numbers
INSERT INTO out SELECT date_trunc('month', at) AS a, date_trunc('hour', day) AS b, date_trunc('day', ts) AS c, date_trunc('week', day) AS d, round(n) AS e, trunc(big) AS f, floor(n) AS g, round(x, 2) AS h FROM events;
-- case: now is the epoch's time
INSERT INTO out SELECT now() AS a, current_timestamp AS b, current_date AS c, localtimestamp AS d FROM events;
-- case: text functions
INSERT INTO out SELECT id || n AS a, 'a' || id AS b, concat(id, n, ok) AS c, substring(id FROM 2 FOR 3) AS d, position('a' IN id) AS e, trim(id) AS f, trim(BOTH 'x' FROM id) AS g, ltrim(id) AS h, char_length(id) AS i, left(id, 2) AS j, split_part(id, '-', 1) AS k, starts_with(id, 'a') AS l, concat_ws('-', id, n) AS m FROM events;
-- case: functions are inlined, by name and by number
CREATE FUNCTION norm(d text) RETURNS text LANGUAGE sql AS $$ SELECT coalesce(lower(trim(d)), 'unknown') $$;
CREATE FUNCTION scaled(double precision, int) RETURNS double precision LANGUAGE sql AS 'SELECT $1 * $2';
CREATE FUNCTION twice(v int) RETURNS bigint LANGUAGE sql RETURN v + v;
INSERT INTO out SELECT norm(id) AS a, scaled(n, 2) AS b, twice(n) AS c, norm(norm(id)) AS d FROM events;
-- case: variables, also inside literals
INSERT INTO out SELECT '${RUN_ID}' AS a, ${RUN_ID} AS b, '${MISSING:-none}' AS c, '${QUOTED}' AS d FROM events;  -- ${UNSET} in a comment is no variable
-- case: an apostrophe in a dollar quote ends nothing
CREATE FUNCTION f(a text) RETURNS text LANGUAGE sql AS $body$ SELECT a || $$it's ${RUN_ID}$$ $body$;  -- ${UNSET}
INSERT INTO out SELECT f(id) AS a /* ${UNSET} */ FROM events;
