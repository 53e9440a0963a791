-- options behind not null
CREATE FOREIGN TABLE t (id text, ts timestamptz NOT NULL OPTIONS (watermark '1 s')) SERVER kafka;
