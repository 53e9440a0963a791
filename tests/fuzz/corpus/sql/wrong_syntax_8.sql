-- two malformed variables
INSERT INTO out SELECT '${}' AS a, '${A-b}' AS b FROM events;
