-- distinct without a bound
INSERT INTO out SELECT DISTINCT ON (id) id FROM events;
