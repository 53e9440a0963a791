-- unbounded group in append mode
SET unbounded = true;
INSERT INTO out SELECT id, count(*) FROM events GROUP BY id;
