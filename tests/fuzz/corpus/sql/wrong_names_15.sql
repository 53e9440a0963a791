-- two columns of one name in a table
CREATE FOREIGN TABLE t (id text, id int) SERVER kafka OPTIONS (topic 't');
