-- results that change below another group
SET unbounded = true;
CREATE FOREIGN TABLE t () SERVER console OPTIONS (mode 'update');
CREATE VIEW sums AS SELECT window_start, id, sum(x) AS x FROM tumble(events, ts, '1 minute') GROUP BY window_start, id;
INSERT INTO t SELECT id, max(x) FROM sums GROUP BY id;
