-- interval where a time is meant
INSERT INTO out SELECT id FROM events WHERE ts > '1 hour';
