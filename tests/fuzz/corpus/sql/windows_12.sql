-- allowed lateness
CREATE VIEW late WITH (allowed_lateness = '10 minutes') AS SELECT window_start, count(*) AS n FROM tumble(events, ts, '1 minute') GROUP BY window_start;
INSERT INTO out SELECT * FROM late;
