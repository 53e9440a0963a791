-- two tables of one name
CREATE VIEW plain AS SELECT id FROM events;
