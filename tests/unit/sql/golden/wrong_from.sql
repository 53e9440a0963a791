CREATE SERVER kafka FOREIGN DATA WRAPPER kafka; CREATE SERVER lake FOREIGN DATA WRAPPER parquet; CREATE SERVER console FOREIGN DATA WRAPPER console;
CREATE FOREIGN TABLE events (id text, user_id int, big bigint, x double precision, ok boolean, day date, at timestamp, ts timestamptz OPTIONS (watermark '30 seconds')) SERVER kafka OPTIONS (topic 'events');
CREATE FOREIGN TABLE plain (id text, n int, at timestamptz) SERVER kafka OPTIONS (topic 'plain');
CREATE TABLE users (id text PRIMARY KEY, user_id int, segment text); COPY users FROM 'dim/users.csv' (FORMAT csv, HEADER);
CREATE FOREIGN TABLE out () SERVER lake; CREATE FOREIGN TABLE shown () SERVER console;
-- case: words of other dialects that would be aliases
INSERT INTO out SELECT id FROM events EMIT;
INSERT INTO out SELECT id FROM events FINAL;
INSERT INTO out SELECT id FROM events ASOF JOIN users u USING (id);
INSERT INTO out SELECT id FROM events QUALIFY;
INSERT INTO out SELECT id FROM STREAM events;
INSERT INTO out SELECT id FROM events STREAM;
-- case: join of two streams
INSERT INTO out SELECT e.id FROM events e JOIN plain p ON e.id = p.id;
-- case: join without equality
INSERT INTO out SELECT e.id FROM events e JOIN users u ON u.user_id > e.user_id;
INSERT INTO out SELECT e.id FROM events e CROSS JOIN users u;
INSERT INTO out SELECT e.id FROM events e, users u WHERE e.id = u.id;
-- case: joins that would wait for the end
INSERT INTO out SELECT u.id FROM users u LEFT JOIN events e USING (id);
INSERT INTO out SELECT u.id FROM events e FULL JOIN users u USING (id);
INSERT INTO out SELECT u.id FROM events e NATURAL JOIN users u;
-- case: types of keys
INSERT INTO out SELECT e.id FROM events e JOIN users u ON e.id = u.user_id;
INSERT INTO out SELECT e.id FROM events e JOIN users u ON e.big = u.user_id;
INSERT INTO out SELECT e.id FROM events e JOIN users u ON e.id = upper(u.id);
INSERT INTO out SELECT e.id FROM events e JOIN users u USING (segment);
-- case: static tables are no streams, and need rows
CREATE TABLE empty (id text);
INSERT INTO out SELECT id FROM users;
INSERT INTO out SELECT e.id FROM events e JOIN empty USING (id);
INSERT INTO out SELECT a.id FROM users a JOIN users b USING (id);
-- case: sub-selects, lateral, unions, values
INSERT INTO out SELECT id FROM events WHERE id IN (SELECT id FROM users);
INSERT INTO out SELECT e.id FROM events e, LATERAL (SELECT 1) x;
INSERT INTO out SELECT id FROM events UNION ALL SELECT id FROM plain;
INSERT INTO out VALUES (1);
INSERT INTO out SELECT 1 AS a;
INSERT INTO out WITH RECURSIVE r AS (SELECT id FROM events) SELECT id FROM r;
-- case: windows
INSERT INTO out SELECT window_start FROM tumble(events, id, '1 minute');
INSERT INTO out SELECT window_start FROM tumble(events, at, '1 minute');
INSERT INTO out SELECT window_start FROM tumble(plain, at, '1 minute');
INSERT INTO out SELECT window_start FROM tumble(events, ts);
INSERT INTO out SELECT window_start FROM tumble(events, ts, interval '1 month');
INSERT INTO out SELECT window_start FROM tumble(events, ts, '0 seconds');
INSERT INTO out SELECT window_start FROM tumble(events, ts, 60);
INSERT INTO out SELECT window_start FROM hop(events, ts, '1 minute', '30 seconds');
INSERT INTO out SELECT window_start FROM hop(events, ts, '1 ms', '1 day');
INSERT INTO out SELECT window_start FROM session(events, ts, '1 minute');
INSERT INTO out SELECT window_start FROM tumbel(events, ts, '1 minute');
INSERT INTO out SELECT window_start FROM tumble('events', ts, '1 minute');
INSERT INTO out SELECT id, tumble(ts, '1 minute') AS w FROM events;
INSERT INTO out SELECT window_start FROM tumble(events, date_trunc('hour', ts), '1 minute');
CREATE VIEW computed AS SELECT id, ts + interval '1 day' AS ts FROM events;
INSERT INTO out SELECT window_start FROM tumble(computed, ts, '1 minute');
