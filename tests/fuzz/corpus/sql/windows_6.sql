-- where moves below the window
INSERT INTO out SELECT window_start, count(*) FROM tumble(events, ts, '1 hour') WHERE n > 3 GROUP BY window_start;
