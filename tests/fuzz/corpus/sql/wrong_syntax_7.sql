-- a variable that is not set
INSERT INTO out SELECT '${NOWHERE}' AS a FROM events;
