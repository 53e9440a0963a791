-- generated rows, and a query that reads no column
CREATE FOREIGN TABLE g (id text, n int) SERVER made;
INSERT INTO shown SELECT 'x' AS x FROM g;
