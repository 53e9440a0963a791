-- places behind a variable are those of the file
INSERT INTO out SELECT '${LONG:-a value much longer than nothing}' AS a, missing FROM events;
