-- the name of a bad table
CREATE VIEW events_bad AS SELECT id FROM events;
