-- --source replaces the connector, and no clock bounds the future
CREATE FOREIGN TABLE overridden (id text, ts timestamptz OPTIONS (watermark '30 s', max_future_skew '5 minutes')) SERVER kafka OPTIONS (topic 't', format 'json');
INSERT INTO shown SELECT * FROM overridden;
