CREATE SERVER kafka FOREIGN DATA WRAPPER kafka; CREATE SERVER lake FOREIGN DATA WRAPPER parquet; CREATE SERVER console FOREIGN DATA WRAPPER console;
CREATE FOREIGN TABLE events (id text, user_id int, big bigint, x double precision, ok boolean, day date, at timestamp, ts timestamptz OPTIONS (watermark '30 seconds')) SERVER kafka OPTIONS (topic 'events');
CREATE FOREIGN TABLE plain (id text, n int, at timestamptz) SERVER kafka OPTIONS (topic 'plain');
CREATE TABLE users (id text PRIMARY KEY, user_id int, segment text); COPY users FROM 'dim/users.csv' (FORMAT csv, HEADER);
CREATE FOREIGN TABLE out () SERVER lake; CREATE FOREIGN TABLE shown () SERVER console;
-- case: unknown option of a source
CREATE FOREIGN TABLE t (id text) SERVER kafka OPTIONS (topic 't', formt 'json');
INSERT INTO out SELECT id FROM t;
-- case: unknown option of a sink
CREATE FOREIGN TABLE t () SERVER lake OPTIONS (partition_bye 'id');
INSERT INTO t SELECT id FROM events;
-- case: missing option
CREATE FOREIGN TABLE t (id text) SERVER kafka;
INSERT INTO out SELECT id FROM t;
-- case: bad values
CREATE FOREIGN TABLE a (id text) SERVER kafka OPTIONS (topic 't', format 'xml');
CREATE FOREIGN TABLE b (id text) SERVER kafka OPTIONS (topic 't', partitions 'three');
CREATE FOREIGN TABLE c () SERVER console OPTIONS (mode 'upsert');
CREATE FOREIGN TABLE d () SERVER console OPTIONS (trigger 'often');
INSERT INTO c SELECT id FROM a;
INSERT INTO d SELECT id FROM b;
-- case: options of a column
CREATE FOREIGN TABLE t (a text OPTIONS (pth '$.a'), b text OPTIONS (path 'a.b'), c int OPTIONS ("from" 'key'), d text OPTIONS ("from" 'kee'), e text OPTIONS (format 'epoch_ms'), f timestamptz OPTIONS (format '%d/%m/%Y'), g timestamptz OPTIONS (idle_timeout '1 s'), h timestamptz OPTIONS (watermark 'soon')) SERVER kafka OPTIONS (topic 't');
-- case: two watermarks
CREATE FOREIGN TABLE t (a timestamptz OPTIONS (watermark '1 s'), b timestamptz OPTIONS (watermark '1 s')) SERVER kafka OPTIONS (topic 't');
-- case: an option twice
CREATE FOREIGN TABLE t (id text) SERVER kafka OPTIONS (topic 't', topic 'u');
-- case: options of a view
CREATE VIEW v WITH (state_tll = '1 hour') AS SELECT id FROM events;
CREATE VIEW w WITH (state_ttl = 'long') AS SELECT id FROM events;
-- case: settings
SET sate_ttl = '1 hour';
SET unbounded = 'perhaps';
SET state_ttl = '1 hour';
SET state_ttl = '2 hours';
RESET state_ttl;
-- case: copy
CREATE TABLE a (id text); CREATE TABLE b (id text); CREATE TABLE c (id text); CREATE TABLE d (id text);
COPY a FROM 'a.csv' (FORMAT csv, HEADR);
COPY b FROM 'b.xml' (FORMAT xml);
COPY c FROM PROGRAM 'cat';
COPY d (id) FROM 'd.csv';
COPY users FROM 'again.csv';
COPY events TO 'e.csv';
-- case: foreign constraints
CREATE FOREIGN TABLE a (id text PRIMARY KEY) SERVER kafka;
CREATE FOREIGN TABLE b (id text DEFAULT 'x') SERVER kafka;
CREATE FOREIGN TABLE c (id text CHECK (idd > 0)) SERVER kafka;
CREATE FOREIGN TABLE d (id text CHECK (count(id) > 0)) SERVER kafka;
-- case: tables that nothing uses
CREATE SERVER files FOREIGN DATA WRAPPER file;
CREATE FOREIGN TABLE a () SERVER lake OPTIONS (pth 'a');
CREATE FOREIGN TABLE b () SERVER lake OPTIONS (mode 'update');
CREATE FOREIGN TABLE c (id text) SERVER files;
INSERT INTO out SELECT id FROM events;
