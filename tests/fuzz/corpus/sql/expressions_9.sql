-- now is the epoch's time
INSERT INTO out SELECT now() AS a, current_timestamp AS b, current_date AS c, localtimestamp AS d FROM events;
