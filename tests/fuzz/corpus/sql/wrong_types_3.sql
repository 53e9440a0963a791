-- condition that is no boolean
INSERT INTO out SELECT id FROM events WHERE user_id;
