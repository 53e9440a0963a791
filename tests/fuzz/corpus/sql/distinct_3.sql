-- plain distinct with the event time among its columns
INSERT INTO out SELECT DISTINCT id, ts FROM events;
