-- join without equality
INSERT INTO out SELECT e.id FROM events e JOIN users u ON u.user_id > e.user_id;
INSERT INTO out SELECT e.id FROM events e CROSS JOIN users u;
INSERT INTO out SELECT e.id FROM events e, users u WHERE e.id = u.id;
