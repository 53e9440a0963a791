-- two watermarks
CREATE FOREIGN TABLE t (a timestamptz OPTIONS (watermark '1 s'), b timestamptz OPTIONS (watermark '1 s')) SERVER kafka OPTIONS (topic 't');
