-- right join keeps the stream on the right
INSERT INTO out SELECT u.segment, e.id FROM users u RIGHT JOIN events e ON u.id = e.id;
