-- Wide: 8 of the 60 fields of each event, counted by the minute.

CREATE SERVER files FOREIGN DATA WRAPPER file;
CREATE SERVER lake FOREIGN DATA WRAPPER parquet OPTIONS (path '${OUTPUT_PATH:-data/lake}');

CREATE FOREIGN TABLE events (
  at         timestamptz OPTIONS (watermark '30 seconds'),
  user_id    bigint,
  country    text,
  status     int,
  amount     double precision,
  latency_ms int,
  host       text,
  quantity   int
) SERVER files OPTIONS (path '${INPUT:-events.jsonl}', format 'json');

CREATE FOREIGN TABLE minutes () SERVER lake OPTIONS (path 'minutes');

INSERT INTO minutes
  SELECT window_start, window_end, country, status,
         count(*) AS events, sum(user_id) AS users, sum(amount) AS amount,
         max(latency_ms) AS latency_max, count(host) AS hosts, min(quantity) AS quantity_min
  FROM tumble(events, at, interval '1 minute')
  GROUP BY window_start, window_end, country, status;
