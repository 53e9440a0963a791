-- two joins, and a filter that moves below them
INSERT INTO out SELECT e.id, u.segment, v.age FROM events e LEFT JOIN users u USING (id) LEFT JOIN users v ON v.id = u.segment WHERE e.n > 3 AND u.segment = 'a';
