-- copy
CREATE TABLE a (id text); CREATE TABLE b (id text); CREATE TABLE c (id text); CREATE TABLE d (id text);
COPY a FROM 'a.csv' (FORMAT csv, HEADR);
COPY b FROM 'b.xml' (FORMAT xml);
COPY c FROM PROGRAM 'cat';
COPY d (id) FROM 'd.csv';
COPY users FROM 'again.csv';
COPY events TO 'e.csv';
