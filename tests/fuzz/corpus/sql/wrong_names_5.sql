-- text in double quotes
INSERT INTO out SELECT id FROM events WHERE id = "abc";
