-- joins that would wait for the end
INSERT INTO out SELECT u.id FROM users u LEFT JOIN events e USING (id);
INSERT INTO out SELECT u.id FROM events e FULL JOIN users u USING (id);
INSERT INTO out SELECT u.id FROM events e NATURAL JOIN users u;
