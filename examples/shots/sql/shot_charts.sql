-- Shot charts: what the scraper writes, checked and worked out, to a table of all that was ever scraped; the
-- workflow then merges it into the table shots, which has each shot once.
--
-- The DAG scrapper_dag runs it until the topic is worked off; `up` leaves it alone.
-- By hand:             millrace run sql/shot_charts.sql --until available-now

SET run = 'manual';

CREATE SERVER kafka FOREIGN DATA WRAPPER kafka
  OPTIONS (bootstrap_servers '${KAFKA_BOOTSTRAP_SERVERS:-embedded}');
CREATE SERVER lake FOREIGN DATA WRAPPER parquet OPTIONS (path '${OUTPUT_PATH:-data/lake}');

CREATE FOREIGN TABLE scraped (
  game_id     text NOT NULL,
  shot_id     int NOT NULL,
  season      int NOT NULL,
  game_date   date NOT NULL,
  team        text,
  player      text,
  quarter     int,
  remaining   text,
  points      int CHECK (points IN (2, 3)),
  made        boolean NOT NULL,
  distance_ft int,
  left_px     int,
  top_px      int,
  scraped_at  timestamptz NOT NULL
) SERVER kafka
  OPTIONS (topic '${KAFKA_TOPIC:-shot_charts}', format 'json', starting_offsets 'earliest', partitions '3');

CREATE FOREIGN TABLE shot_charts () SERVER lake OPTIONS (path 'shot_charts', partition_by 'season');

-- The court on the page is 500 pixels wide, ten a foot, and the basket in the middle of its upper side, 5 ft down.
INSERT INTO shot_charts
  SELECT game_id, shot_id, season, game_date, team, player, quarter,
         60 * split_part(remaining, ':', 1)::int + split_part(remaining, ':', 2)::double precision AS remaining_s,
         made, points, CASE WHEN made THEN points ELSE 0 END AS scored,
         distance_ft, (left_px - 250) / 10 AS x_ft, (top_px - 50) / 10 AS y_ft,
         CASE WHEN points = 3 AND top_px < 140 THEN 'corner three'
              WHEN points = 3 THEN 'above the break'
              WHEN distance_ft <= 4 THEN 'at the rim'
              WHEN distance_ft <= 14 THEN 'paint and short'
              ELSE 'mid-range' END AS zone,
         scraped_at
  FROM scraped;
