-- between, in, like
INSERT INTO out SELECT n BETWEEN 1 AND big AS a, n NOT BETWEEN 1 AND 2 AS b, id IN ('a', 'b') AS c, n NOT IN (1, 2, NULL) AS d, id LIKE 'a%' AS e, id NOT ILIKE '_b' AS f, id LIKE '5!%' ESCAPE '!' AS g FROM events;
