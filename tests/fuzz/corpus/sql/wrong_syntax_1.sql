-- an unfinished text
INSERT INTO out SELECT 'abc FROM events;
