-- join using
INSERT INTO out SELECT *, e.ts AS again FROM events e LEFT JOIN users USING (id);
