-- Distinct: every id is kept for 30 days, so all ids of the input live at its end. The rest is small on
-- purpose: rows are counted by the hour.

CREATE SERVER files FOREIGN DATA WRAPPER file;
CREATE SERVER lake FOREIGN DATA WRAPPER parquet OPTIONS (path '${OUTPUT_PATH:-data/lake}');

CREATE FOREIGN TABLE events (
  id text,
  n  bigint,
  at timestamptz OPTIONS (format 'epoch_ms', watermark '10 seconds')
) SERVER files OPTIONS (path '${INPUT:-events.jsonl}', format 'json');

CREATE VIEW once WITH (state_ttl = '30 days') AS
  SELECT DISTINCT ON (id) id, n, at FROM events;

CREATE FOREIGN TABLE hours () SERVER lake OPTIONS (path 'hours');

INSERT INTO hours
  SELECT window_start, window_end, count(*) AS ids, sum(n) AS total
  FROM tumble(once, at, interval '1 hour')
  GROUP BY window_start, window_end;
