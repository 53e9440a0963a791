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
-- case: tumble
INSERT INTO out SELECT window_start, window_end, id, count(*) AS n, sum(n) AS total, avg(x) AS mean, min(day) AS first, max(ts) AS last, approx_count_distinct(n) AS kinds FROM tumble(events, ts, interval '1 minute') GROUP BY window_start, window_end, id;
-- case: hop, by ordinals and names of the list
INSERT INTO out SELECT window_start, window_end, upper(id) AS key, count(*) FROM hop(events, ts, '30 seconds', '1 minute') GROUP BY 1, 2, key;
-- case: slide that does not divide the size
INSERT INTO out SELECT window_start, count(*) FROM hop(events, ts, interval '40 seconds', interval '1 minute') GROUP BY window_start;
-- case: expressions of the window and of keys above
INSERT INTO out SELECT window_end::date AS day, id || '!' AS key, sum(n) * 2 + count(*) AS score FROM tumble(events, ts, '1 hour') GROUP BY window_start, window_end, id HAVING sum(n) > 10 AND window_start > '2026-01-01 00:00:00+00';
-- case: filter on aggregates
INSERT INTO out SELECT window_start, count(*) FILTER (WHERE ok) AS good, sum(n) FILTER (WHERE n > 0) AS gains FROM tumble(events, ts, '1 hour') GROUP BY window_start, window_end;
-- case: equal aggregates are computed once
INSERT INTO out SELECT window_start, sum(n) AS a, sum(n) + 1 AS b, avg(n) AS c FROM tumble(events, ts, '1 hour') GROUP BY window_start;
-- case: where moves below the window
INSERT INTO out SELECT window_start, count(*) FROM tumble(events, ts, '1 hour') WHERE n > 3 GROUP BY window_start;
-- case: a join above the window
INSERT INTO out SELECT window_start, u.segment, count(*) FROM tumble(events, ts, '1 hour') w LEFT JOIN users u ON u.id = w.id GROUP BY window_start, window_end, u.segment;
-- case: a view between the window and its group
CREATE VIEW windowed AS SELECT window_start AS begun, window_end AS ended, id, n FROM tumble(events, ts, '1 hour') WHERE ok;
INSERT INTO out SELECT begun, id, sum(n) FROM windowed GROUP BY begun, ended, id;
-- case: a window without a group
INSERT INTO out SELECT window_start, id FROM tumble(events, ts, '1 hour') WHERE n > 3 AND window_start > '2026-01-01 00:00:00+00';
-- case: window over a sub-select and a timestamp without zone
CREATE FOREIGN TABLE local (id text, at timestamp OPTIONS (watermark '0 seconds')) SERVER kafka OPTIONS (topic 'local');
INSERT INTO out SELECT window_start, count(*) FROM tumble((SELECT id, at FROM local WHERE id <> ''), at, '1 day') GROUP BY window_start;
-- case: window over window
CREATE VIEW minutes AS SELECT window_start, window_end, id, sum(n) AS n FROM tumble(events, ts, '1 minute') GROUP BY window_start, window_end, id;
INSERT INTO out SELECT h.window_start, max(h.n) AS peak FROM tumble((SELECT window_start AS at, n FROM minutes), at, '1 hour') h GROUP BY h.window_start, h.window_end;
-- case: allowed lateness
CREATE VIEW late WITH (allowed_lateness = '10 minutes') AS SELECT window_start, count(*) AS n FROM tumble(events, ts, '1 minute') GROUP BY window_start;
INSERT INTO out SELECT * FROM late;
-- case: unbounded state by choice
SET unbounded = true;
INSERT INTO shown SELECT id, count(*) AS n, max(ts) FROM events GROUP BY id ON CONFLICT (id) DO UPDATE SET n = EXCLUDED.n, max = EXCLUDED.max;
