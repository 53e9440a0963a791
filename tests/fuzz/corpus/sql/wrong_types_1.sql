-- arguments of an operator
INSERT INTO out SELECT id + 1 AS a, ok * 2 AS b, day + ts AS c FROM events;
