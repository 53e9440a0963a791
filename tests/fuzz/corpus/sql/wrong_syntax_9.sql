-- errors of several statements are all said, and what follows from them is not
CREATE VIEW a AS SELECT id FROM nowhere;
CREATE VIEW b AS SELECT id FRM events;
INSERT INTO out SELECT * FROM a;
INSERT INTO out SELECT * FROM b;
INSERT INTO out SELECT nothing, idd, upper(ok) FROM events WHERE usr_id = 1;
