-- column, with the nearest name
INSERT INTO out SELECT usr_id FROM events;
