-- {{name}}: what it reads, what it makes of it, and for whom.
--
--   millrace check sql/{{name}}.sql
--   millrace run sql/{{name}}.sql                      from Kafka, until interrupted
-- Without Kafka, from made-up rows in a file:
--   millrace generate made/{{name}}.yaml --to {{name}}.jsonl
--   millrace run sql/{{name}}.sql --source {{name}}=file:{{name}}.jsonl --until end

CREATE SERVER kafka FOREIGN DATA WRAPPER kafka
  OPTIONS (bootstrap_servers '${KAFKA_BOOTSTRAP_SERVERS:-127.0.0.1:9092}');
CREATE SERVER lake FOREIGN DATA WRAPPER parquet;

CREATE FOREIGN TABLE {{name}} (
  id    text NOT NULL,
  kind  text,
  value double precision,
  at    timestamptz OPTIONS (watermark '10 seconds', idle_timeout '10 seconds') NOT NULL
) SERVER kafka OPTIONS (topic '{{name}}', format 'json', starting_offsets 'earliest');

CREATE VIEW {{name}}_once WITH (state_ttl = '1 hour') AS
  SELECT DISTINCT ON (id) id, coalesce(kind, 'unknown') AS kind, value, at FROM {{name}};

CREATE FOREIGN TABLE {{name}}_by_minute () SERVER lake
  OPTIONS (mode 'append', trigger '10 seconds');

INSERT INTO {{name}}_by_minute
  SELECT window_start, kind, count(*) AS rows, sum(value) AS value
  FROM tumble({{name}}_once, at, interval '1 minute')
  GROUP BY window_start, window_end, kind;
