-- a file below the server's path
CREATE FOREIGN TABLE f (id text) SERVER files OPTIONS (path 'a.jsonl');
INSERT INTO shown SELECT * FROM f;
