-- null tests and truth tests
INSERT INTO out SELECT n IS NULL AS a, n IS NOT NULL AS b, ok IS TRUE AS c, ok IS NOT FALSE AS d, ok IS UNKNOWN AS e, n IS DISTINCT FROM big AS f, n IS NOT DISTINCT FROM NULL AS g FROM events;
