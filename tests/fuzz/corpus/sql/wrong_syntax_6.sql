-- create stream
CREATE STREAM t (id text);
