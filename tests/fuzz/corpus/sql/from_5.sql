-- join on an expression of the stream
INSERT INTO out SELECT e.id, u.segment, u.id AS user_id FROM events e LEFT JOIN users u ON u.id = lower(e.id);
