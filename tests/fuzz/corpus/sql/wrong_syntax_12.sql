-- places count characters, not bytes
INSERT INTO out SELECT 'äöü' AS a, missing FROM events;
