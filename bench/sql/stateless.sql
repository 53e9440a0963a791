-- Stateless: the retail events over 250, cleaned, as Parquet. Nothing waits for a window, so the first
-- row can be out as soon as the program runs.

CREATE SERVER kafka FOREIGN DATA WRAPPER kafka
  OPTIONS (bootstrap_servers '${KAFKA_BOOTSTRAP_SERVERS:-embedded}');
CREATE SERVER lake FOREIGN DATA WRAPPER parquet OPTIONS (path '${OUTPUT_PATH:-data/lake}');

CREATE FOREIGN TABLE events (
  event_id   text,
  user_id    int,
  product_id int,
  amount     double precision,
  country    text,
  event_time timestamptz
) SERVER kafka OPTIONS (topic '${KAFKA_TOPIC:-events}', format 'json', starting_offsets 'earliest');

CREATE FOREIGN TABLE large () SERVER lake OPTIONS (path 'large');

INSERT INTO large
  SELECT event_id, user_id, product_id, amount, coalesce(upper(country), 'UNKNOWN') AS country, event_time
  FROM events
  WHERE amount >= 250;
