-- aggregate without group by
INSERT INTO shown SELECT count(*) FROM events;
