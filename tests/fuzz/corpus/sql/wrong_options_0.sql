-- unknown option of a source
CREATE FOREIGN TABLE t (id text) SERVER kafka OPTIONS (topic 't', formt 'json');
INSERT INTO out SELECT id FROM t;
