-- case with unlike results
INSERT INTO out SELECT CASE WHEN ok THEN id ELSE user_id END AS a FROM events;
