-- Retail: events from Kafka, cleaned, deduplicated, joined with users and products, counted in sliding
-- windows, written as Parquet by country; the same result is shown on the console while it grows.
--
-- Run it:             millrace run sql/retail.sql
-- From a file:        millrace run sql/retail.sql --source events=file:events.jsonl --until end
-- The same in PySpark: spark/app.py

CREATE SERVER kafka FOREIGN DATA WRAPPER kafka
  OPTIONS (bootstrap_servers '${KAFKA_BOOTSTRAP_SERVERS:-embedded}');
CREATE SERVER lake FOREIGN DATA WRAPPER parquet OPTIONS (path '${OUTPUT_PATH:-data/lake}');
CREATE SERVER console FOREIGN DATA WRAPPER console;

-- The daily job's dates (ds) are dates of this zone, so event_date must be one too.
SET timezone = 'Asia/Kolkata';

CREATE FOREIGN TABLE events (
  event_id   text,
  user_id    int,
  product_id int,
  amount     double precision,
  country    text,
  device     text,
  event_time timestamptz OPTIONS (watermark '30 seconds', idle_timeout '10 seconds', max_future_skew '5 minutes')
) SERVER kafka
  OPTIONS (topic '${KAFKA_TOPIC:-events}', format 'json', starting_offsets 'earliest', partitions '3');

CREATE TABLE users (user_id int PRIMARY KEY, segment text, is_premium boolean, country text);
COPY users FROM 'dim/users.csv' (FORMAT csv, HEADER);

CREATE TABLE products (product_id int PRIMARY KEY, category text, price double precision);
COPY products FROM 'dim/products.csv' (FORMAT csv, HEADER);

CREATE FUNCTION normalize_device(d text) RETURNS text LANGUAGE sql
  AS $$ SELECT coalesce(lower(trim(d)), 'unknown') $$;

-- A copy of an event is dropped for an hour after the first was seen. Spark's dropDuplicates without a
-- watermark remembers for ever, which no machine can.
CREATE VIEW cleaned WITH (state_ttl = '1 hour') AS
  SELECT DISTINCT ON (event_id)
         event_id, user_id, product_id,
         coalesce(amount, 0.0) AS amount,
         coalesce(upper(country), 'UNKNOWN') AS country,
         normalize_device(device) AS device_norm,
         event_time
  FROM events;

-- The country is the event's, so the user's own stays out.
CREATE VIEW enriched AS
  SELECT c.*, u.segment, u.is_premium, p.category, p.price
  FROM cleaned c
  LEFT JOIN users u USING (user_id)
  LEFT JOIN products p USING (product_id);

-- The Spark program drops the window after taking its date. It stays here: without it a row does not
-- say which minute it counts. A reader of the other six columns sees what Spark wrote.
CREATE VIEW windowed AS
  SELECT window_start, window_end,
         country, segment,
         sum(amount) AS total_amount,
         approx_count_distinct(event_id) AS unique_events,
         max(event_time) AS max_event_time,
         window_end::date AS event_date
  FROM hop(enriched, event_time, interval '30 seconds', interval '1 minute')
  GROUP BY window_start, window_end, country, segment;

CREATE FOREIGN TABLE segment_metrics () SERVER lake
  OPTIONS (path 'segment_metrics', partition_by 'country', mode 'append', trigger '${TRIGGER:-30 seconds}');

CREATE FOREIGN TABLE segment_console () SERVER console OPTIONS (mode 'update', truncate 'false');

INSERT INTO segment_metrics SELECT * FROM windowed;

INSERT INTO segment_console SELECT * FROM windowed;
