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
-- case: distinct on with a time to live
CREATE VIEW once WITH (state_ttl = '1 hour') AS SELECT DISTINCT ON (id) id, upper(id) AS u, ts FROM events WHERE n > 0;
INSERT INTO out SELECT * FROM once;
-- case: event time that is not selected still bounds the state
CREATE VIEW once WITH (state_ttl = '1 hour') AS SELECT DISTINCT ON (id) id, n FROM events;
INSERT INTO out SELECT * FROM once;
-- case: keys that are expressions, ordinals and names
SET state_ttl = '10 minutes';
INSERT INTO out SELECT DISTINCT ON (lower(id), 2, m) id, n + 1 AS k, n * 2 AS m FROM events;
-- case: plain distinct with the event time among its columns
INSERT INTO out SELECT DISTINCT id, ts FROM events;
-- case: distinct by event time below a window lives as long as the window
CREATE VIEW once AS SELECT DISTINCT ON (id, ts) id, ts, n FROM events;
INSERT INTO out SELECT window_start, sum(n) FROM hop(once, ts, '1 minute', '10 minutes') GROUP BY window_start;
-- case: distinct goes below the projection of a view
SET state_ttl = '1 hour';
CREATE VIEW cleaned AS SELECT id, coalesce(upper(id), 'x') AS name, n, ts FROM events;
INSERT INTO out SELECT DISTINCT ON (id) id, name FROM cleaned;
-- case: a name of the list comes before a column
SET state_ttl = '1 hour';
INSERT INTO out SELECT DISTINCT ON (n) id, n % 10 AS n FROM events;
-- case: unbounded by choice
CREATE VIEW once WITH (unbounded) AS SELECT DISTINCT ON (id) id FROM plain;
INSERT INTO out SELECT * FROM once;
