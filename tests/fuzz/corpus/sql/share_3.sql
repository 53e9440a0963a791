-- a filter does not move below what others share
CREATE VIEW wide AS SELECT e.id, e.n, u.segment FROM events e LEFT JOIN users u USING (id);
INSERT INTO out SELECT id, segment FROM wide WHERE n > 3;
INSERT INTO shown SELECT id, segment FROM wide;
