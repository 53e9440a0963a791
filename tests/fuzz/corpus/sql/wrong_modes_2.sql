-- on conflict into parquet
INSERT INTO out SELECT id, x FROM events ON CONFLICT (id) DO UPDATE SET x = EXCLUDED.x;
