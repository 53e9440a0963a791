-- static tables are no streams, and need rows
CREATE TABLE empty (id text);
INSERT INTO out SELECT id FROM users;
INSERT INTO out SELECT e.id FROM events e JOIN empty USING (id);
INSERT INTO out SELECT a.id FROM users a JOIN users b USING (id);
