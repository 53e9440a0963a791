-- forms of select
INSERT INTO out SELECT FROM events;
INSERT INTO out SELECT events.* IS NULL AS a, a.b.c AS b, events FROM events;
INSERT INTO out SELECT id FROM public.events;
INSERT INTO out SELECT ARRAY[1, 2] AS a, ROW(1, 2) AS b, id COLLATE "C" AS c, $1 AS d, sum(x) OVER () AS e, upper(x => id) AS f, current_user AS g, B'01' AS h FROM events;
INSERT INTO out SELECT id FROM events GROUP BY ROLLUP (id);
INSERT INTO out SELECT upper(DISTINCT id) AS a, sum(*) AS b, count() AS c FROM events;
INSERT INTO out SELECT id FROM events FOR UPDATE;
INSERT INTO out SELECT id FROM events TABLESAMPLE SYSTEM (10);
INSERT INTO out SELECT interval '1' day to second AS a FROM events;
