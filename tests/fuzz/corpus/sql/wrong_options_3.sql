-- bad values
CREATE FOREIGN TABLE a (id text) SERVER kafka OPTIONS (topic 't', format 'xml');
CREATE FOREIGN TABLE b (id text) SERVER kafka OPTIONS (topic 't', partitions 'three');
CREATE FOREIGN TABLE c () SERVER console OPTIONS (mode 'upsert');
CREATE FOREIGN TABLE d () SERVER console OPTIONS (trigger 'often');
INSERT INTO c SELECT id FROM a;
INSERT INTO d SELECT id FROM b;
