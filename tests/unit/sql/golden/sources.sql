CREATE SERVER kafka FOREIGN DATA WRAPPER kafka OPTIONS (bootstrap_servers 'b:9092', "kafka.session.timeout.ms" '6000');
CREATE SERVER files FOREIGN DATA WRAPPER file OPTIONS (path 'in');
CREATE SERVER made FOREIGN DATA WRAPPER generator OPTIONS (rate '10');
CREATE SERVER console FOREIGN DATA WRAPPER console;
CREATE FOREIGN TABLE shown () SERVER console;
-- case: checks and required columns are read though no query asks for them
CREATE FOREIGN TABLE t (id text NOT NULL, n int CHECK (n >= 0), unused text, x double precision, CHECK (x < 10 OR n IS NULL)) SERVER kafka OPTIONS (topic 't');
INSERT INTO shown SELECT 1 AS one FROM t;
-- case: columns of the record, nested fields and formats of times
CREATE FOREIGN TABLE t (
  k text OPTIONS ("from" 'key'), topic text OPTIONS ("from" 'topic'), part int OPTIONS ("from" 'partition'),
  off bigint OPTIONS ("from" 'offset'), produced timestamptz OPTIONS ("from" 'timestamp', watermark '1 minute', emit_timeout '5 s'),
  city text OPTIONS (path '$.address.city'), at timestamptz OPTIONS (format 'epoch_ms')
) SERVER kafka OPTIONS (topic 't');
INSERT INTO shown SELECT * FROM t;
-- case: --source replaces the connector, and no clock bounds the future
CREATE FOREIGN TABLE overridden (id text, ts timestamptz OPTIONS (watermark '30 s', max_future_skew '5 minutes')) SERVER kafka OPTIONS (topic 't', format 'json');
INSERT INTO shown SELECT * FROM overridden;
-- case: a file below the server's path
CREATE FOREIGN TABLE f (id text) SERVER files OPTIONS (path 'a.jsonl');
INSERT INTO shown SELECT * FROM f;
-- case: generated rows, and a query that reads no column
CREATE FOREIGN TABLE g (id text, n int) SERVER made;
INSERT INTO shown SELECT 'x' AS x FROM g;
-- case: settings are valid for the whole file
CREATE FOREIGN TABLE g (id text, ts timestamptz OPTIONS (watermark '1 s')) SERVER made;
INSERT INTO shown SELECT DISTINCT ON (id) id FROM g;
SET state_ttl = '2 hours';
SET run = 'manual';
SET memory_limit = '512MB';
SET TIME ZONE 'Asia/Kolkata';
