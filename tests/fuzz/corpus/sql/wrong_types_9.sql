-- types without support
CREATE FOREIGN TABLE t (a numeric(10, 2), b json, c smallint, d text[], e uuid, f time) SERVER kafka OPTIONS (topic 't');
