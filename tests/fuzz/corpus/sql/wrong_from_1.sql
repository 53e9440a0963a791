-- join of two streams
INSERT INTO out SELECT e.id FROM events e JOIN plain p ON e.id = p.id;
