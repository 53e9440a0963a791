-- join on a cast of the stream
CREATE TABLE codes (code bigint PRIMARY KEY, label text);
INSERT INTO codes VALUES (1, 'one'), (2, NULL), ('3', 'three');
INSERT INTO out SELECT id, label FROM events JOIN codes ON n = code;
