-- number of arguments
CREATE FUNCTION f(a text, b text) RETURNS text LANGUAGE sql AS $$ SELECT a || b $$;
INSERT INTO out SELECT f(id) AS a, upper() AS b, replace(id, 'a') AS c FROM events;
