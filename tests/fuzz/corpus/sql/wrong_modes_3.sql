-- complete mode without a group
CREATE FOREIGN TABLE t () SERVER console OPTIONS (mode 'complete');
INSERT INTO t SELECT id FROM events;
