-- missing option
CREATE FOREIGN TABLE t (id text) SERVER kafka;
INSERT INTO out SELECT id FROM t;
