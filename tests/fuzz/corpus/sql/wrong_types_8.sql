-- coalesce and in of unlike types
INSERT INTO out SELECT coalesce(id, user_id) AS a, user_id IN (1, day) AS b FROM events;
