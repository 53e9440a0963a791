-- hop, by ordinals and names of the list
INSERT INTO out SELECT window_start, window_end, upper(id) AS key, count(*) FROM hop(events, ts, '30 seconds', '1 minute') GROUP BY 1, 2, key;
