CREATE SERVER kafka FOREIGN DATA WRAPPER kafka; CREATE SERVER console FOREIGN DATA WRAPPER console;
CREATE TYPE addr AS (street text, zip int);
CREATE TYPE person AS (name varchar(40), homes addr[], score numeric(5, 1));
CREATE FOREIGN TABLE t (
  a smallint, b int2, c int, d bigint, e int8, f real, g float4, h float(10), i float(30), j double precision, k float8,
  l numeric, m numeric(5), n decimal(38, 10), o varchar(5), p char(3), r uuid, s date, u time, v timestamp(3),
  w timestamptz OPTIONS (watermark '0 s'), x json, y jsonb, z int[], aa numeric(9, 2)[][], ab addr, ac person NOT NULL, ad addr[]
) SERVER kafka OPTIONS (topic 't');
CREATE FOREIGN TABLE shown () SERVER console;
-- case: names of types
INSERT INTO shown SELECT * FROM t;
-- case: casts
INSERT INTO shown SELECT a::text AS a, try_cast(o AS bigint) AS o FROM t;
