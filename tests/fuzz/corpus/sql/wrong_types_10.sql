-- a source cannot read an interval
CREATE FOREIGN TABLE t (a interval) SERVER kafka OPTIONS (topic 't');
INSERT INTO out SELECT a::text AS a FROM t;
