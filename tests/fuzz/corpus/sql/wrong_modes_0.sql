-- parquet in update mode
CREATE FOREIGN TABLE t () SERVER lake OPTIONS (mode 'update');
INSERT INTO t SELECT id FROM events;
