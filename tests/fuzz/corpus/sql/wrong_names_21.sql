-- operator of another dialect
INSERT INTO out SELECT id ~ 'a.*' AS a, id ->> 'b' AS b, user_id == 1 AS c, user_id <-> 2 AS d FROM events;
