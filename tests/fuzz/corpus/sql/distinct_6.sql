-- distinct over aggregates
SET state_ttl = '1 hour';
INSERT INTO out SELECT DISTINCT ON (n) window_start, count(*) AS n FROM tumble(events, ts, '1 minute') GROUP BY window_start;
