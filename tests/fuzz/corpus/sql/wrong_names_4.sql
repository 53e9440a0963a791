-- alias that is not in from
INSERT INTO out SELECT ev.id FROM events e;
