-- server
CREATE FOREIGN TABLE t (id text) SERVER kafak;
