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
-- case: views in views, renamed columns
CREATE VIEW a (key) AS SELECT id, n FROM events WHERE n > 0;
CREATE VIEW b AS SELECT key, n * 2 AS n2 FROM a WHERE key <> '';
INSERT INTO out SELECT * FROM b WHERE n2 > 10;
-- case: with and sub-selects
INSERT INTO out WITH big_ones AS (SELECT id, n FROM events WHERE n > 100) SELECT t.id, t.m FROM (SELECT id, n + 1 AS m FROM big_ones) t WHERE t.m < 1000;
-- case: aliases of tables and columns
INSERT INTO out SELECT e.a, e.b, e.x FROM events AS e (a, b);
-- case: join using
INSERT INTO out SELECT *, e.ts AS again FROM events e LEFT JOIN users USING (id);
-- case: join on with residue
INSERT INTO out SELECT e.id, u.segment, u.age FROM events e JOIN users u ON e.id = u.id AND u.age > e.n AND e.ok;
-- case: join on an expression of the stream
INSERT INTO out SELECT e.id, u.segment, u.id AS user_id FROM events e LEFT JOIN users u ON u.id = lower(e.id);
-- case: join on a cast of the stream
CREATE TABLE codes (code bigint PRIMARY KEY, label text);
INSERT INTO codes VALUES (1, 'one'), (2, NULL), ('3', 'three');
INSERT INTO out SELECT id, label FROM events JOIN codes ON n = code;
-- case: right join keeps the stream on the right
INSERT INTO out SELECT u.segment, e.id FROM users u RIGHT JOIN events e ON u.id = e.id;
-- case: two joins, and a filter that moves below them
INSERT INTO out SELECT e.id, u.segment, v.age FROM events e LEFT JOIN users u USING (id) LEFT JOIN users v ON v.id = u.segment WHERE e.n > 3 AND u.segment = 'a';
-- case: a column the join hides is found by its table
INSERT INTO out SELECT users.id AS right_id, events.id AS left_id FROM events LEFT JOIN users USING (id);
