-- function, with the nearest name
INSERT INTO out SELECT uper(id) FROM events;
