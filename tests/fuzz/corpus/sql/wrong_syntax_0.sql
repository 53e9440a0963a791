-- a word is missing
INSERT INTO out SELECT id events WHERE;
