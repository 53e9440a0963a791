-- group by without a window
INSERT INTO shown SELECT id, count(*) FROM events GROUP BY id;
