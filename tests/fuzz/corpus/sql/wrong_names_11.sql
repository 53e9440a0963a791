-- insert into an unknown table
INSERT INTO ot SELECT id FROM events;
