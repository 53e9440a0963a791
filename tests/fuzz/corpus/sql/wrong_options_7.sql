-- options of a view
CREATE VIEW v WITH (state_tll = '1 hour') AS SELECT id FROM events;
CREATE VIEW w WITH (state_ttl = 'long') AS SELECT id FROM events;
