-- text functions
INSERT INTO out SELECT id || n AS a, 'a' || id AS b, concat(id, n, ok) AS c, substring(id FROM 2 FOR 3) AS d, position('a' IN id) AS e, trim(id) AS f, trim(BOTH 'x' FROM id) AS g, ltrim(id) AS h, char_length(id) AS i, left(id, 2) AS j, split_part(id, '-', 1) AS k, starts_with(id, 'a') AS l, concat_ws('-', id, n) AS m FROM events;
