-- an option twice
CREATE FOREIGN TABLE t (id text) SERVER kafka OPTIONS (topic 't', topic 'u');
