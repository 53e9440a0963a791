-- literal that is no date, time, number, boolean or interval
INSERT INTO out SELECT id FROM events WHERE day = '2026-13-40';
INSERT INTO out SELECT id FROM events WHERE ts > 'yesterday';
INSERT INTO out SELECT id FROM events WHERE user_id = 'five';
INSERT INTO out SELECT id FROM events WHERE ok = 'perhaps';
INSERT INTO out SELECT ts + interval '1 fortnight' AS a FROM events;
