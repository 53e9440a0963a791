-- equal text is equal work
INSERT INTO out SELECT upper(id) AS u FROM events WHERE n > 1;
INSERT INTO shown SELECT upper(id) AS u FROM events WHERE n > 1;
