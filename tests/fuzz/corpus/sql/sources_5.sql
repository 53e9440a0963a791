-- settings are valid for the whole file
CREATE FOREIGN TABLE g (id text, ts timestamptz OPTIONS (watermark '1 s')) SERVER made;
INSERT INTO shown SELECT DISTINCT ON (id) id FROM g;
SET state_ttl = '2 hours';
SET run = 'manual';
SET memory_limit = '512MB';
SET TIME ZONE 'Asia/Kolkata';
