-- declared columns get casts
CREATE FOREIGN TABLE typed (id text, n bigint, x double precision, at timestamptz) SERVER console;
INSERT INTO typed SELECT id, n, big, day FROM events;
