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
-- case: declared columns get casts
CREATE FOREIGN TABLE typed (id text, n bigint, x double precision, at timestamptz) SERVER console;
INSERT INTO typed SELECT id, n, big, day FROM events;
-- case: literals take the type of the column
CREATE FOREIGN TABLE typed (d date, t text, n bigint, i text) SERVER console;
INSERT INTO typed SELECT '2026-01-31', NULL, 5, id FROM events;
-- case: a column list, NULL elsewhere
CREATE FOREIGN TABLE typed (id text, n bigint, x double precision) SERVER console;
INSERT INTO typed (n, id) SELECT n, id FROM events;
-- case: a column list names the columns of a table without any
INSERT INTO out (a, b) SELECT id, NULL FROM events;
-- case: on conflict is update mode
CREATE FOREIGN TABLE keyed () SERVER kafka OPTIONS (topic 'keyed', key 'id');
INSERT INTO keyed SELECT window_start, id, count(*) AS n FROM tumble(events, ts, '1 hour') GROUP BY window_start, window_end, id ON CONFLICT (window_start, id) DO UPDATE SET n = EXCLUDED.n;
-- case: modes and triggers
CREATE FOREIGN TABLE a () SERVER lake OPTIONS (path 'a', mode 'append', trigger '1 minute');
CREATE FOREIGN TABLE b () SERVER console OPTIONS (mode 'update', trigger '5 s', rows '3');
CREATE FOREIGN TABLE c () SERVER console;
CREATE VIEW v AS SELECT window_start, count(*) AS n FROM tumble(events, ts, '1 minute') GROUP BY window_start;
INSERT INTO a SELECT * FROM v;
INSERT INTO b SELECT * FROM v;
INSERT INTO c SELECT * FROM v;
