-- types of keys
INSERT INTO out SELECT e.id FROM events e JOIN users u ON e.id = u.user_id;
INSERT INTO out SELECT e.id FROM events e JOIN users u ON e.big = u.user_id;
INSERT INTO out SELECT e.id FROM events e JOIN users u ON e.id = upper(u.id);
INSERT INTO out SELECT e.id FROM events e JOIN users u USING (segment);
