-- equal aggregates are computed once
INSERT INTO out SELECT window_start, sum(n) AS a, sum(n) + 1 AS b, avg(n) AS c FROM tumble(events, ts, '1 hour') GROUP BY window_start;
