-- time to live without an event time
CREATE VIEW v WITH (state_ttl = '1 hour') AS SELECT DISTINCT ON (id) id FROM plain;
