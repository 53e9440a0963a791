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
-- case: two queries over one view read one scan, with the columns of both
CREATE VIEW once WITH (state_ttl = '1 hour') AS SELECT DISTINCT ON (id) * FROM events;
INSERT INTO out SELECT id, n FROM once;
INSERT INTO shown SELECT id, x FROM once;
-- case: equal text is equal work
INSERT INTO out SELECT upper(id) AS u FROM events WHERE n > 1;
INSERT INTO shown SELECT upper(id) AS u FROM events WHERE n > 1;
-- case: other windows share the scan only
INSERT INTO out SELECT window_start, count(*) FROM tumble(events, ts, '1 minute') GROUP BY window_start;
INSERT INTO shown SELECT window_start, count(*) FROM tumble(events, ts, '1 hour') GROUP BY window_start;
-- case: a filter does not move below what others share
CREATE VIEW wide AS SELECT e.id, e.n, u.segment FROM events e LEFT JOIN users u USING (id);
INSERT INTO out SELECT id, segment FROM wide WHERE n > 3;
INSERT INTO shown SELECT id, segment FROM wide;
-- case: unused views, tables and columns leave no trace
CREATE VIEW unused AS SELECT at FROM plain;
CREATE VIEW wide AS SELECT e.*, u.segment, u.age FROM events e LEFT JOIN users u ON u.id = e.id WHERE e.ok;
INSERT INTO out SELECT b FROM wide AS w (a, b);
