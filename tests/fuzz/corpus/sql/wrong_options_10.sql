-- foreign constraints
CREATE FOREIGN TABLE a (id text PRIMARY KEY) SERVER kafka;
CREATE FOREIGN TABLE b (id text DEFAULT 'x') SERVER kafka;
CREATE FOREIGN TABLE c (id text CHECK (idd > 0)) SERVER kafka;
CREATE FOREIGN TABLE d (id text CHECK (count(id) > 0)) SERVER kafka;
