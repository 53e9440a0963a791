-- window over a sub-select and a timestamp without zone
CREATE FOREIGN TABLE local (id text, at timestamp OPTIONS (watermark '0 seconds')) SERVER kafka OPTIONS (topic 'local');
INSERT INTO out SELECT window_start, count(*) FROM tumble((SELECT id, at FROM local WHERE id <> ''), at, '1 day') GROUP BY window_start;
