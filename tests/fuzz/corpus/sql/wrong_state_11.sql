-- columns that are not grouped
INSERT INTO out SELECT window_start, id, user_id + 1 AS n, count(*) FROM tumble(events, ts, '1 minute') GROUP BY window_start HAVING big > 1;
