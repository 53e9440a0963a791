-- unbounded state by choice
SET unbounded = true;
INSERT INTO shown SELECT id, count(*) AS n, max(ts) FROM events GROUP BY id ON CONFLICT (id) DO UPDATE SET n = EXCLUDED.n, max = EXCLUDED.max;
