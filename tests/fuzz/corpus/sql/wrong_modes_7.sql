-- results that change below distinct
SET state_ttl = '1 hour';
CREATE FOREIGN TABLE t () SERVER console OPTIONS (mode 'update');
CREATE VIEW sums AS SELECT window_start, id, sum(x) AS x FROM tumble(events, ts, '1 minute') GROUP BY window_start, id;
INSERT INTO t SELECT DISTINCT ON (id) * FROM sums;
