-- with and sub-selects
INSERT INTO out WITH big_ones AS (SELECT id, n FROM events WHERE n > 100) SELECT t.id, t.m FROM (SELECT id, n + 1 AS m FROM big_ones) t WHERE t.m < 1000;
