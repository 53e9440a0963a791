-- checks and required columns are read though no query asks for them
CREATE FOREIGN TABLE t (id text NOT NULL, n int CHECK (n >= 0), unused text, x double precision, CHECK (x < 10 OR n IS NULL)) SERVER kafka OPTIONS (topic 't');
INSERT INTO shown SELECT 1 AS one FROM t;
