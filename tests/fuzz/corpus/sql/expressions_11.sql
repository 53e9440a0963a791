-- functions are inlined, by name and by number
CREATE FUNCTION norm(d text) RETURNS text LANGUAGE sql AS $$ SELECT coalesce(lower(trim(d)), 'unknown') $$;
CREATE FUNCTION scaled(double precision, int) RETURNS double precision LANGUAGE sql AS 'SELECT $1 * $2';
CREATE FUNCTION twice(v int) RETURNS bigint LANGUAGE sql RETURN v + v;
INSERT INTO out SELECT norm(id) AS a, scaled(n, 2) AS b, twice(n) AS c, norm(norm(id)) AS d FROM events;
