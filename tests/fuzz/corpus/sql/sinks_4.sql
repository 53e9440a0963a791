-- modes and triggers
CREATE FOREIGN TABLE a () SERVER lake OPTIONS (path 'a', mode 'append', trigger '1 minute');
CREATE FOREIGN TABLE b () SERVER console OPTIONS (mode 'update', trigger '5 s', rows '3');
CREATE FOREIGN TABLE c () SERVER console OPTIONS (mode 'complete');
CREATE VIEW v AS SELECT window_start, count(*) AS n FROM tumble(events, ts, '1 minute') GROUP BY window_start;
INSERT INTO a SELECT * FROM v;
INSERT INTO b SELECT * FROM v;
INSERT INTO c SELECT * FROM v;
