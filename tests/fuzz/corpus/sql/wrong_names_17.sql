-- one alias twice
INSERT INTO out SELECT 1 AS a FROM events u LEFT JOIN users u ON u.id = u.id;
