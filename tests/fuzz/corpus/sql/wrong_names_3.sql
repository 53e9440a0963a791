-- ambiguous column
INSERT INTO out SELECT user_id FROM events e LEFT JOIN users u USING (id);
