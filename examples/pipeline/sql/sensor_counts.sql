-- Sensor counts: how many readings each sensor sends a minute. A count goes to a topic each time that it has
-- grown (mode update), to a table once its minute is over (mode append), and to the console.
--
-- The DAGs streaming_pipeline and batch_then_stream run it until the topic is worked off; `up` leaves it alone.
-- By hand:             millrace run sql/sensor_counts.sql --until available-now
-- The same in PySpark: spark/my_streaming_job.py

SET run = 'manual';

CREATE SERVER kafka FOREIGN DATA WRAPPER kafka
  OPTIONS (bootstrap_servers '${KAFKA_BOOTSTRAP_SERVERS:-embedded}');
CREATE SERVER lake FOREIGN DATA WRAPPER parquet OPTIONS (path '${OUTPUT_PATH:-data/lake}');
CREATE SERVER console FOREIGN DATA WRAPPER console;

-- The Spark program has no watermark, and so keeps each minute for ever; here one is over after five.
CREATE FOREIGN TABLE sensor_data (
  sensor_id   text,
  "timestamp" timestamptz OPTIONS (watermark '5 minutes', idle_timeout '30 seconds'),
  value       double precision
) SERVER kafka
  OPTIONS (topic 'sensor-data', format 'json', starting_offsets '${STARTING_OFFSETS:-latest}', partitions '3');

CREATE VIEW counts AS
  SELECT window_start, window_end, sensor_id, count(*) AS count
  FROM tumble(sensor_data, "timestamp", interval '1 minute')
  GROUP BY window_start, window_end, sensor_id;

CREATE TYPE time_window AS ("start" timestamptz, "end" timestamptz);

CREATE FOREIGN TABLE aggregates () SERVER kafka
  OPTIONS (topic 'sensor-aggregates', partitions '3', mode 'update');
CREATE FOREIGN TABLE sensor_counts () SERVER lake
  OPTIONS (path 'sensor_counts', mode 'append', trigger '${TRIGGER:-30 seconds}');
CREATE FOREIGN TABLE shown () SERVER console OPTIONS (mode 'update', truncate 'false', trigger '5 seconds');

INSERT INTO aggregates
  SELECT ROW(window_start, window_end)::time_window AS "window", sensor_id, count FROM counts;
INSERT INTO sensor_counts SELECT * FROM counts;
INSERT INTO shown SELECT * FROM counts;
