-- plain distinct without a bound
INSERT INTO out SELECT DISTINCT id FROM events;
