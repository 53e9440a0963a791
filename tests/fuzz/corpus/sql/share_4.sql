-- unused views, tables and columns leave no trace
CREATE VIEW unused AS SELECT at FROM plain;
CREATE VIEW wide AS SELECT e.*, u.segment, u.age FROM events e LEFT JOIN users u ON u.id = e.id WHERE e.ok;
INSERT INTO out SELECT b FROM wide AS w (a, b);
