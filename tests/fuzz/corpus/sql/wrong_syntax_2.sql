-- watermark of another dialect
CREATE FOREIGN TABLE t (id text, ts timestamptz, WATERMARK FOR ts AS ts) SERVER kafka;
