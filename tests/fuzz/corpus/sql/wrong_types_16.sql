-- number too large
INSERT INTO out SELECT 1e999 AS a FROM events;
