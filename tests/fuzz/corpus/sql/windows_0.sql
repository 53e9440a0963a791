-- tumble
INSERT INTO out SELECT window_start, window_end, id, count(*) AS n, sum(n) AS total, avg(x) AS mean, min(day) AS first, max(ts) AS last, approx_count_distinct(n) AS kinds FROM tumble(events, ts, interval '1 minute') GROUP BY window_start, window_end, id;
