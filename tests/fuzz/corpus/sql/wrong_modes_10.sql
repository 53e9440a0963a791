-- what cannot be read or written
CREATE VIEW v AS SELECT id FROM events;
CREATE SERVER gen FOREIGN DATA WRAPPER generator;
CREATE FOREIGN TABLE g (id text) SERVER gen;
CREATE FOREIGN TABLE empty () SERVER kafka OPTIONS (topic 't');
INSERT INTO v SELECT id FROM events;
INSERT INTO g SELECT id FROM events;
INSERT INTO out SELECT id FROM shown;
INSERT INTO out SELECT id FROM empty;
