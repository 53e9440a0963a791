-- distinct without any event time
INSERT INTO out SELECT DISTINCT ON (id) id FROM plain;
