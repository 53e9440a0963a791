-- a column list, NULL elsewhere
CREATE FOREIGN TABLE typed (id text, n bigint, x double precision) SERVER console;
INSERT INTO typed (n, id) SELECT n, id FROM events;
