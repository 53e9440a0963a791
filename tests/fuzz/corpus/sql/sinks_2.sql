-- a column list names the columns of a table without any
INSERT INTO out (a, b) SELECT id, NULL FROM events;
