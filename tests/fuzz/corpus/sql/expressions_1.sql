-- precedence is kept
INSERT INTO out SELECT (n + 1) * 2 AS a, n + 1 * 2 AS b, NOT (ok OR n > 1) AND x < 2 AS c FROM events;
