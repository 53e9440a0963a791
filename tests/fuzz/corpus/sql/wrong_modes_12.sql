-- two queries change one table
CREATE FOREIGN TABLE t () SERVER console OPTIONS (mode 'update');
INSERT INTO t SELECT id FROM events;
INSERT INTO t SELECT id FROM plain;
