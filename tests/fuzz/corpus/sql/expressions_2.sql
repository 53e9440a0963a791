-- comparisons with literals of other types
INSERT INTO out SELECT id FROM events WHERE n = '5' AND x >= 1 AND day < '2026-01-31' AND ts > '2026-01-01 00:00:00+00' AND at <> day AND ok = 'true';
