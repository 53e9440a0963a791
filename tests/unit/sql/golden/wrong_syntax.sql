CREATE SERVER kafka FOREIGN DATA WRAPPER kafka; CREATE SERVER lake FOREIGN DATA WRAPPER parquet; CREATE SERVER console FOREIGN DATA WRAPPER console;
CREATE FOREIGN TABLE events (id text, user_id int, big bigint, x double precision, ok boolean, day date, at timestamp, ts timestamptz OPTIONS (watermark '30 seconds')) SERVER kafka OPTIONS (topic 'events');
CREATE FOREIGN TABLE plain (id text, n int, at timestamptz) SERVER kafka OPTIONS (topic 'plain');
CREATE TABLE users (id text PRIMARY KEY, user_id int, segment text); COPY users FROM 'dim/users.csv' (FORMAT csv, HEADER);
CREATE FOREIGN TABLE out () SERVER lake; CREATE FOREIGN TABLE shown () SERVER console;
-- case: a word is missing
INSERT INTO out SELECT id events WHERE;
-- case: an unfinished text
INSERT INTO out SELECT 'abc FROM events;
-- case: watermark of another dialect
CREATE FOREIGN TABLE t (id text, ts timestamptz, WATERMARK FOR ts AS ts) SERVER kafka;
-- case: options behind not null
CREATE FOREIGN TABLE t (id text, ts timestamptz NOT NULL OPTIONS (watermark '1 s')) SERVER kafka;
-- case: emit changes
INSERT INTO shown SELECT id, count(*) FROM events GROUP BY id EMIT CHANGES;
-- case: a reserved word as a column
CREATE FOREIGN TABLE t (id text, user text) SERVER kafka;
-- case: create stream
CREATE STREAM t (id text);
-- case: a variable that is not set
INSERT INTO out SELECT '${NOWHERE}' AS a FROM events;
-- case: two malformed variables
INSERT INTO out SELECT '${}' AS a, '${A-b}' AS b FROM events;
-- case: errors of several statements are all said, and what follows from them is not
CREATE VIEW a AS SELECT id FROM nowhere;
CREATE VIEW b AS SELECT id FRM events;
INSERT INTO out SELECT * FROM a;
INSERT INTO out SELECT * FROM b;
INSERT INTO out SELECT nothing, idd, upper(ok) FROM events WHERE usr_id = 1;
-- case: no query at all
-- case: nested too deeply
INSERT INTO out SELECT ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1)))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))) AS a FROM events;
-- case: places count characters, not bytes
INSERT INTO out SELECT 'äöü' AS a, missing FROM events;
-- case: places behind a variable are those of the file
INSERT INTO out SELECT '${LONG:-a value much longer than nothing}' AS a, missing FROM events;
-- case: a place in the body of a function
CREATE FUNCTION f(a text) RETURNS text LANGUAGE sql AS $$
  SELECT lower(b) $$;
INSERT INTO out SELECT f(id) FROM events;
