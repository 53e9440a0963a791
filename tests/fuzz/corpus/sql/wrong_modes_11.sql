-- a pipeline that eats its own output
INSERT INTO events SELECT id, 1, 1, 1.0, true, NULL, NULL, ts FROM events;
