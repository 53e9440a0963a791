-- window functions and distinct aggregates
INSERT INTO out SELECT row_number() OVER (PARTITION BY id ORDER BY ts) AS n FROM events;
INSERT INTO out SELECT window_start, count(DISTINCT id) FROM tumble(events, ts, '1 minute') GROUP BY window_start;
