-- volatile functions
INSERT INTO out SELECT random() AS a, gen_random_uuid() AS b, clock_timestamp() AS c FROM events;
