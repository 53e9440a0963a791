-- type, with the nearest name
INSERT INTO out SELECT id::bigit FROM events;
