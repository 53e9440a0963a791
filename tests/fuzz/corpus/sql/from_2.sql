-- aliases of tables and columns
INSERT INTO out SELECT e.a, e.b, e.x FROM events AS e (a, b);
