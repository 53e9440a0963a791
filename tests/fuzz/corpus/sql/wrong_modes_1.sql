-- parquet in complete mode
CREATE FOREIGN TABLE t () SERVER lake OPTIONS (mode 'complete');
INSERT INTO t SELECT window_start, count(*) FROM tumble(events, ts, '1 minute') GROUP BY window_start;
