-- casts that do not exist
INSERT INTO out SELECT user_id::timestamptz AS a, day::int AS b, ok::date AS c FROM events;
