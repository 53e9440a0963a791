-- watermark on a text
CREATE FOREIGN TABLE t (ts text OPTIONS (watermark '1 s')) SERVER kafka OPTIONS (topic 't');
