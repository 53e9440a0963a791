CREATE SERVER kafka FOREIGN DATA WRAPPER kafka; CREATE SERVER lake FOREIGN DATA WRAPPER parquet; CREATE SERVER console FOREIGN DATA WRAPPER console;
CREATE FOREIGN TABLE events (id text, user_id int, big bigint, x double precision, ok boolean, day date, at timestamp, ts timestamptz OPTIONS (watermark '30 seconds')) SERVER kafka OPTIONS (topic 'events');
CREATE FOREIGN TABLE plain (id text, n int, at timestamptz) SERVER kafka OPTIONS (topic 'plain');
CREATE TABLE users (id text PRIMARY KEY, user_id int, segment text); COPY users FROM 'dim/users.csv' (FORMAT csv, HEADER);
CREATE FOREIGN TABLE out () SERVER lake; CREATE FOREIGN TABLE shown () SERVER console;
-- case: distinct without a bound
INSERT INTO out SELECT DISTINCT ON (id) id FROM events;
-- case: plain distinct without a bound
INSERT INTO out SELECT DISTINCT id FROM events;
-- case: distinct without any event time
INSERT INTO out SELECT DISTINCT ON (id) id FROM plain;
-- case: time to live without an event time
CREATE VIEW v WITH (state_ttl = '1 hour') AS SELECT DISTINCT ON (id) id FROM plain;
-- case: group by without a window
INSERT INTO shown SELECT id, count(*) FROM events GROUP BY id;
-- case: aggregate without group by
INSERT INTO shown SELECT count(*) FROM events;
-- case: the window is there, but not in group by
INSERT INTO shown SELECT id, count(*) FROM tumble(events, ts, '1 minute') GROUP BY id;
-- case: order by and limit
INSERT INTO out SELECT id FROM events ORDER BY ts;
INSERT INTO out SELECT id FROM events LIMIT 10;
INSERT INTO out SELECT DISTINCT ON (id) id FROM events ORDER BY id, ts;
-- case: volatile functions
INSERT INTO out SELECT random() AS a, gen_random_uuid() AS b, clock_timestamp() AS c FROM events;
-- case: window functions and distinct aggregates
INSERT INTO out SELECT row_number() OVER (PARTITION BY id ORDER BY ts) AS n FROM events;
INSERT INTO out SELECT window_start, count(DISTINCT id) FROM tumble(events, ts, '1 minute') GROUP BY window_start;
-- case: aggregates in the wrong place
INSERT INTO out SELECT id FROM events WHERE count(*) > 1;
INSERT INTO out SELECT window_start FROM tumble(events, ts, '1 minute') GROUP BY window_start, count(*);
INSERT INTO out SELECT window_start, sum(count(*)) FROM tumble(events, ts, '1 minute') GROUP BY window_start;
-- case: columns that are not grouped
INSERT INTO out SELECT window_start, id, user_id + 1 AS n, count(*) FROM tumble(events, ts, '1 minute') GROUP BY window_start HAVING big > 1;
-- case: window's columns inside
INSERT INTO out SELECT max(window_end) FROM tumble(events, ts, '1 minute') GROUP BY window_start;
INSERT INTO out SELECT count(*) FROM tumble(events, ts, '1 minute') GROUP BY window_start, window_end::text || id;
INSERT INTO out SELECT window_start, count(*) FROM tumble(events, ts, '1 minute') WHERE window_start > ts GROUP BY window_start;
