-- names of columns without as
INSERT INTO out SELECT id, upper(id), x::int, coalesce(n, 0), n + 1 FROM events;
