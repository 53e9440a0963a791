-- forms of create
CREATE TABLE a (id text) WITH (connector = 'kafka');
CREATE TABLE b (id text, n int, PRIMARY KEY (id, n));
CREATE TABLE c (id text UNIQUE);
CREATE TABLE d (LIKE users);
CREATE SERVER kafka FOREIGN DATA WRAPPER kafka;
CREATE FUNCTION f(a text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN a; END $$;
CREATE FUNCTION g(a text) RETURNS text LANGUAGE sql AS $$ SELECT id FROM events $$;
CREATE FUNCTION h(a text) RETURNS text LANGUAGE sql AS $$ SELECT upper( $$;
CREATE FUNCTION i(a text DEFAULT 'x') RETURNS text LANGUAGE sql AS $$ SELECT a $$;
CREATE PROCEDURE j() LANGUAGE sql AS $$ SELECT 1 $$;
CREATE FUNCTION k(a text) RETURNS text LANGUAGE sql AS $$ SELECT k(a) $$;
CREATE VIEW l (a, b) AS SELECT id FROM events;
