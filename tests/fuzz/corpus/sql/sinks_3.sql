-- on conflict is update mode
CREATE FOREIGN TABLE keyed () SERVER kafka OPTIONS (topic 'keyed', key 'id');
INSERT INTO keyed SELECT window_start, id, count(*) AS n FROM tumble(events, ts, '1 hour') GROUP BY window_start, window_end, id ON CONFLICT (window_start, id) DO UPDATE SET n = EXCLUDED.n;
