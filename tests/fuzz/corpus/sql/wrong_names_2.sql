-- column of one of two tables
INSERT INTO out SELECT e.segmnt FROM events e LEFT JOIN users u USING (id);
