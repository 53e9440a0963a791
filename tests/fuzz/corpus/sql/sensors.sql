-- Sensors: readings from Kafka; their ten-second averages by sensor on the console, every reading as it
-- came in Parquet, one folder a run and below it one a sensor.
--
-- Run it:             millrace run sql/sensors.sql
-- The same in PySpark: spark/app.py

CREATE SERVER kafka FOREIGN DATA WRAPPER kafka
  OPTIONS (bootstrap_servers '${KAFKA_BOOTSTRAP_SERVERS:-embedded}');
CREATE SERVER lake FOREIGN DATA WRAPPER parquet OPTIONS (path '${OUTPUT_PATH:-data/lake}');
CREATE SERVER console FOREIGN DATA WRAPPER console;

-- A reading without id, ts or value goes to readings_bad. (Spark takes nullable=False as a promise and
-- does not check it.)
CREATE FOREIGN TABLE readings (
  id     int NOT NULL,
  ts     timestamptz OPTIONS (watermark '30 seconds') NOT NULL,
  value  double precision NOT NULL,
  source text
) SERVER kafka
  OPTIONS (topic '${KAFKA_TOPIC:-events}', format 'json', starting_offsets 'latest', partitions '3');

CREATE FOREIGN TABLE averages () SERVER console
  OPTIONS (mode 'update', truncate 'false', trigger '10 seconds');

INSERT INTO averages
  SELECT window_start, window_end, id, avg(value) AS avg_value
  FROM tumble(readings, ts, interval '10 seconds')
  GROUP BY window_start, window_end, id;

-- RUN_ID is set once per fresh state, so a restart goes on in the same folder.
CREATE FOREIGN TABLE raw () SERVER lake
  OPTIONS (path 'run_${RUN_ID}', partition_by 'id', mode 'append', trigger '10 seconds');

INSERT INTO raw SELECT id, ts, value, source FROM readings;
