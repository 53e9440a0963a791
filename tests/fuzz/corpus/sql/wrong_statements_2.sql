-- forms of insert
INSERT INTO out SELECT id FROM events RETURNING id;
WITH x AS (SELECT id FROM events) INSERT INTO out SELECT id FROM x;
INSERT INTO out DEFAULT VALUES;
INSERT INTO out (a, b) SELECT id FROM events;
INSERT INTO users SELECT id FROM events;
INSERT INTO users VALUES ('1', 1, 'a');
