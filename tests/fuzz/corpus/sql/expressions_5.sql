-- case, coalesce, nullif, greatest
INSERT INTO out SELECT CASE WHEN n > 1 THEN 'a' WHEN ok THEN 'b' END AS a, CASE n WHEN 1 THEN x WHEN 2 THEN 3 ELSE big END AS b, coalesce(n, big, 0) AS c, nullif(id, '') AS d, greatest(n, x, 3) AS e, least(day, '2026-01-01') AS f, ifnull(x, 0) AS g FROM events;
