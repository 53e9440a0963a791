-- casts
INSERT INTO out SELECT n::text AS a, CAST(id AS int) AS b, try_cast(id AS double precision) AS c, ts::date AS d, at::timestamptz AS e, x::int AS f, ok::int AS g, '5'::int AS h, date '2026-01-31' AS i, NULL::text AS j, 'x'::text AS k FROM events;
