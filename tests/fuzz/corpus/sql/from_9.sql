-- a column the join hides is found by its table
INSERT INTO out SELECT users.id AS right_id, events.id AS left_id FROM events LEFT JOIN users USING (id);
