-- a sink cannot store an interval
INSERT INTO out SELECT ts - ts AS a FROM events;
