-- table
INSERT INTO out SELECT id FROM event;
