-- unknown option of a sink
CREATE FOREIGN TABLE t () SERVER lake OPTIONS (partition_bye 'id');
INSERT INTO t SELECT id FROM events;
