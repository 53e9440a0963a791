-- argument of a function
INSERT INTO out SELECT upper(user_id) FROM events;
