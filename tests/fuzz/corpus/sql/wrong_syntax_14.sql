-- a place in the body of a function
CREATE FUNCTION f(a text) RETURNS text LANGUAGE sql AS $$
  SELECT lower(b) $$;
INSERT INTO out SELECT f(id) FROM events;
