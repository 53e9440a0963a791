-- arithmetic casts int to bigint to double
INSERT INTO out SELECT n + 1 AS a, n + big AS b, n / 2 AS c, big * x AS d, n % 3 AS e, -n AS f, n // 2 AS g, 2 ^ 3 AS h FROM events;
