-- Air quality: five-minute averages of each place, a new one each minute; those with more fine dust than is
-- healthy go to a topic of alerts, all of them to a table.
--
-- Run it:              millrace up        (or: millrace run sql/air_quality.sql)
-- The same in PySpark: spark/air_quality_streaming.py

CREATE SERVER kafka FOREIGN DATA WRAPPER kafka
  OPTIONS (bootstrap_servers '${KAFKA_BOOTSTRAP_SERVERS:-embedded}');
CREATE SERVER lake FOREIGN DATA WRAPPER parquet OPTIONS (path '${OUTPUT_PATH:-data/lake}');

CREATE FOREIGN TABLE air_quality (
  sensor_id   text,
  "timestamp" timestamptz OPTIONS (watermark '10 minutes', idle_timeout '30 seconds'),
  pm25        double precision,
  pm10        double precision,
  temperature double precision,
  humidity    double precision,
  location    text
) SERVER kafka
  OPTIONS (topic 'air-quality-raw', format 'json', starting_offsets '${STARTING_OFFSETS:-latest}', partitions '3');

CREATE VIEW averages AS
  SELECT window_start, window_end, location,
         avg(pm25) AS avg_pm25, avg(pm10) AS avg_pm10,
         avg(temperature) AS avg_temp, avg(humidity) AS avg_humidity
  FROM hop(air_quality, "timestamp", interval '1 minute', interval '5 minutes')
  GROUP BY window_start, window_end, location;

-- Spark's to_json(struct(*)) has the window as an object of its own, and so has this.
CREATE TYPE time_window AS ("start" timestamptz, "end" timestamptz);

CREATE FOREIGN TABLE alerts () SERVER kafka OPTIONS (topic 'air-quality-alerts', partitions '3');

INSERT INTO alerts
  SELECT ROW(window_start, window_end)::time_window AS "window", location, avg_pm25, avg_pm10, avg_temp, avg_humidity
  FROM averages
  WHERE avg_pm25 > 35.4;

CREATE FOREIGN TABLE air_quality_averages () SERVER lake
  OPTIONS (path 'air_quality_averages', partition_by 'location', trigger '${TRIGGER:-30 seconds}');

INSERT INTO air_quality_averages SELECT * FROM averages;
