-- unit of time
INSERT INTO out SELECT date_trunc('hours of the day', ts) AS a, extract(moth FROM ts) AS b FROM events;
