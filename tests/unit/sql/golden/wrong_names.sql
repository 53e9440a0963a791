CREATE SERVER kafka FOREIGN DATA WRAPPER kafka; CREATE SERVER lake FOREIGN DATA WRAPPER parquet; CREATE SERVER console FOREIGN DATA WRAPPER console;
CREATE FOREIGN TABLE events (id text, user_id int, big bigint, x double precision, ok boolean, day date, at timestamp, ts timestamptz OPTIONS (watermark '30 seconds')) SERVER kafka OPTIONS (topic 'events');
CREATE FOREIGN TABLE plain (id text, n int, at timestamptz) SERVER kafka OPTIONS (topic 'plain');
CREATE TABLE users (id text PRIMARY KEY, user_id int, segment text); COPY users FROM 'dim/users.csv' (FORMAT csv, HEADER);
CREATE FOREIGN TABLE out () SERVER lake; CREATE FOREIGN TABLE shown () SERVER console;
-- case: table
INSERT INTO out SELECT id FROM event;
-- case: column, with the nearest name
INSERT INTO out SELECT usr_id FROM events;
-- case: column of one of two tables
INSERT INTO out SELECT e.segmnt FROM events e LEFT JOIN users u USING (id);
-- case: ambiguous column
INSERT INTO out SELECT user_id FROM events e LEFT JOIN users u USING (id);
-- case: alias that is not in from
INSERT INTO out SELECT ev.id FROM events e;
-- case: text in double quotes
INSERT INTO out SELECT id FROM events WHERE id = "abc";
-- case: function, with the nearest name
INSERT INTO out SELECT uper(id) FROM events;
-- case: type, with the nearest name
INSERT INTO out SELECT id::bigit FROM events;
-- case: server
CREATE FOREIGN TABLE t (id text) SERVER kafak;
-- case: wrapper
CREATE SERVER s FOREIGN DATA WRAPPER parket;
-- case: wrapper far from all
CREATE SERVER s FOREIGN DATA WRAPPER oracle;
-- case: insert into an unknown table
INSERT INTO ot SELECT id FROM events;
-- case: copy into an unknown table
COPY user FROM 'x.csv';
COPY usrs FROM 'x.csv';
-- case: two tables of one name
CREATE VIEW plain AS SELECT id FROM events;
-- case: the name of a bad table
CREATE VIEW events_bad AS SELECT id FROM events;
-- case: two columns of one name in a table
CREATE FOREIGN TABLE t (id text, id int) SERVER kafka OPTIONS (topic 't');
-- case: two columns of one name in a view
CREATE VIEW v AS SELECT id, user_id AS id FROM events;
-- case: one alias twice
INSERT INTO out SELECT 1 AS a FROM events u LEFT JOIN users u ON u.id = u.id;
-- case: column of a window's time
INSERT INTO out SELECT window_start, count(*) FROM tumble(events, tss, '1 minute') GROUP BY window_start;
-- case: position in group by
INSERT INTO out SELECT window_start, count(*) FROM tumble(events, ts, '1 minute') GROUP BY 3;
-- case: parameter of a function
CREATE FUNCTION f(device text) RETURNS text LANGUAGE sql AS $$ SELECT upper(devise) $$;
-- case: operator of another dialect
INSERT INTO out SELECT id ~ 'a.*' AS a, id ->> 'b' AS b, user_id == 1 AS c, user_id <-> 2 AS d FROM events;
-- case: unit of time
INSERT INTO out SELECT date_trunc('hours of the day', ts) AS a, extract(moth FROM ts) AS b, date_trunc('dow', ts) AS c FROM events;
-- case: time zone
SET timezone = 'Asia/Calcuta';
