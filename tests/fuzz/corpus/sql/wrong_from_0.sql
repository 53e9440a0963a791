-- words of other dialects that would be aliases
INSERT INTO out SELECT id FROM events EMIT;
INSERT INTO out SELECT id FROM events FINAL;
INSERT INTO out SELECT id FROM events ASOF JOIN users u USING (id);
INSERT INTO out SELECT id FROM events QUALIFY;
INSERT INTO out SELECT id FROM STREAM events;
INSERT INTO out SELECT id FROM events STREAM;
