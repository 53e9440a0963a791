-- comparison of text with a number
INSERT INTO out SELECT id FROM events WHERE id = 5;
