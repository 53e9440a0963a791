-- parameter of a function
CREATE FUNCTION f(device text) RETURNS text LANGUAGE sql AS $$ SELECT upper(devise) $$;
