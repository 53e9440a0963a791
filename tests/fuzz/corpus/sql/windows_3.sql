-- expressions of the window and of keys above
INSERT INTO out SELECT window_end::date AS day, id || '!' AS key, sum(n) * 2 + count(*) AS score FROM tumble(events, ts, '1 hour') GROUP BY window_start, window_end, id HAVING sum(n) > 10 AND window_start > '2026-01-01 00:00:00+00';
