-- a reserved word as a column
CREATE FOREIGN TABLE t (id text, user text) SERVER kafka;
