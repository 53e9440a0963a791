-- columns of the sink
CREATE FOREIGN TABLE t (id text NOT NULL, n int) SERVER console;
INSERT INTO t SELECT id FROM events;
INSERT INTO t SELECT id, big FROM events;
INSERT INTO t SELECT user_id, user_id FROM events;
INSERT INTO t (n) SELECT user_id FROM events;
INSERT INTO t (id, m) SELECT id, user_id FROM events;
INSERT INTO out SELECT id, upper(id) AS id FROM events;
