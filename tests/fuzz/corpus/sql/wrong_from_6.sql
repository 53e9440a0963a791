-- sub-selects, lateral, unions, values
INSERT INTO out SELECT id FROM events WHERE id IN (SELECT id FROM users);
INSERT INTO out SELECT e.id FROM events e, LATERAL (SELECT 1) x;
INSERT INTO out SELECT id FROM events UNION ALL SELECT id FROM plain;
INSERT INTO out VALUES (1);
INSERT INTO out SELECT 1 AS a;
INSERT INTO out WITH RECURSIVE r AS (SELECT id FROM events) SELECT id FROM r;
