-- column of a window's time
INSERT INTO out SELECT window_start, count(*) FROM tumble(events, tss, '1 minute') GROUP BY window_start;
