-- result of a function
CREATE FUNCTION f(a text) RETURNS int LANGUAGE sql AS $$ SELECT a $$;
