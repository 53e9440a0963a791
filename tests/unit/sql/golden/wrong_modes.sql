CREATE SERVER kafka FOREIGN DATA WRAPPER kafka; CREATE SERVER lake FOREIGN DATA WRAPPER parquet; CREATE SERVER console FOREIGN DATA WRAPPER console;
CREATE FOREIGN TABLE events (id text, user_id int, big bigint, x double precision, ok boolean, day date, at timestamp, ts timestamptz OPTIONS (watermark '30 seconds')) SERVER kafka OPTIONS (topic 'events');
CREATE FOREIGN TABLE plain (id text, n int, at timestamptz) SERVER kafka OPTIONS (topic 'plain');
CREATE TABLE users (id text PRIMARY KEY, user_id int, segment text); COPY users FROM 'dim/users.csv' (FORMAT csv, HEADER);
CREATE FOREIGN TABLE out () SERVER lake; CREATE FOREIGN TABLE shown () SERVER console;
-- case: parquet in update mode
CREATE FOREIGN TABLE t () SERVER lake OPTIONS (mode 'update');
INSERT INTO t SELECT id FROM events;
-- case: parquet in complete mode
CREATE FOREIGN TABLE t () SERVER lake OPTIONS (mode 'complete');
INSERT INTO t SELECT window_start, count(*) FROM tumble(events, ts, '1 minute') GROUP BY window_start;
-- case: on conflict into parquet
INSERT INTO out SELECT id, x FROM events ON CONFLICT (id) DO UPDATE SET x = EXCLUDED.x;
-- case: complete mode
CREATE FOREIGN TABLE t () SERVER console OPTIONS (mode 'complete');
INSERT INTO t SELECT id FROM events;
-- case: unbounded group in append mode
SET unbounded = true;
INSERT INTO out SELECT id, count(*) FROM events GROUP BY id;
-- case: results that change below another group
SET unbounded = true;
CREATE FOREIGN TABLE t () SERVER console OPTIONS (mode 'update');
CREATE VIEW sums AS SELECT window_start, id, sum(x) AS x FROM tumble(events, ts, '1 minute') GROUP BY window_start, id;
INSERT INTO t SELECT id, max(x) FROM sums GROUP BY id;
-- case: results that change below a join
CREATE FOREIGN TABLE t () SERVER console OPTIONS (mode 'update');
CREATE VIEW sums AS SELECT window_start, id, sum(x) AS x FROM tumble(events, ts, '1 minute') GROUP BY window_start, id;
INSERT INTO t SELECT s.x, u.segment FROM sums s LEFT JOIN users u USING (id);
-- case: results that change below distinct
SET state_ttl = '1 hour';
CREATE FOREIGN TABLE t () SERVER console OPTIONS (mode 'update');
CREATE VIEW sums AS SELECT window_start, id, sum(x) AS x FROM tumble(events, ts, '1 minute') GROUP BY window_start, id;
INSERT INTO t SELECT DISTINCT ON (id) * FROM sums;
-- case: distinct behind a group
SET state_ttl = '1 hour';
INSERT INTO out SELECT DISTINCT ON (n) window_start, count(*) AS n FROM tumble(events, ts, '1 minute') GROUP BY window_start;
-- case: forms of on conflict
CREATE FOREIGN TABLE t () SERVER kafka OPTIONS (topic 't');
INSERT INTO t SELECT id, x FROM events ON CONFLICT DO NOTHING;
INSERT INTO t SELECT id, x FROM events ON CONFLICT (key) DO UPDATE SET x = EXCLUDED.x;
INSERT INTO t SELECT id, x FROM events ON CONFLICT (id) DO UPDATE SET x = 1;
INSERT INTO t SELECT id, x, ok FROM events ON CONFLICT (id) DO UPDATE SET x = EXCLUDED.x;
-- case: columns of the sink
CREATE FOREIGN TABLE t (id text NOT NULL, n int) SERVER console;
INSERT INTO t SELECT id FROM events;
INSERT INTO t SELECT id, big FROM events;
INSERT INTO t SELECT user_id, user_id FROM events;
INSERT INTO t (n) SELECT user_id FROM events;
INSERT INTO t (id, m) SELECT id, user_id FROM events;
INSERT INTO out SELECT id, upper(id) AS id FROM events;
-- case: what cannot be read or written
CREATE VIEW v AS SELECT id FROM events;
CREATE SERVER gen FOREIGN DATA WRAPPER generator;
CREATE FOREIGN TABLE g (id text) SERVER gen;
CREATE FOREIGN TABLE empty () SERVER kafka OPTIONS (topic 't');
INSERT INTO v SELECT id FROM events;
INSERT INTO g SELECT id FROM events;
INSERT INTO out SELECT id FROM shown;
INSERT INTO out SELECT id FROM empty;
-- case: a pipeline that eats its own output
INSERT INTO events SELECT id, 1, 1, 1.0, true, NULL, NULL, ts FROM events;
-- case: two queries change one table
CREATE FOREIGN TABLE t () SERVER console OPTIONS (mode 'update');
INSERT INTO t SELECT id FROM events;
INSERT INTO t SELECT id FROM plain;
