-- filter on aggregates
INSERT INTO out SELECT window_start, count(*) FILTER (WHERE ok) AS good, sum(n) FILTER (WHERE n > 0) AS gains FROM tumble(events, ts, '1 hour') GROUP BY window_start, window_end;
