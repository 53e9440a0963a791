-- unbounded by choice
CREATE VIEW once WITH (unbounded) AS SELECT DISTINCT ON (id) id FROM plain;
INSERT INTO out SELECT * FROM once;
