-- results that change below a join
CREATE FOREIGN TABLE t () SERVER console OPTIONS (mode 'update');
CREATE VIEW sums AS SELECT window_start, id, sum(x) AS x FROM tumble(events, ts, '1 minute') GROUP BY window_start, id;
INSERT INTO t SELECT s.x, u.segment FROM sums s LEFT JOIN users u USING (id);
