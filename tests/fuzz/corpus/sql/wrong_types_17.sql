-- rows of a static table
CREATE TABLE codes (code int PRIMARY KEY, label text);
INSERT INTO codes VALUES (1, 'one', 'more');
INSERT INTO codes VALUES (NULL, 'none');
INSERT INTO codes VALUES ('x', 'y');
INSERT INTO codes VALUES (1, upper('y'));
