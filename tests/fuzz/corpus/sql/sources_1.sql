-- columns of the record, nested fields and formats of times
CREATE FOREIGN TABLE t (
  k text OPTIONS ("from" 'key'), topic text OPTIONS ("from" 'topic'), part int OPTIONS ("from" 'partition'),
  off bigint OPTIONS ("from" 'offset'), produced timestamptz OPTIONS ("from" 'timestamp', watermark '1 minute', emit_timeout '5 s'),
  city text OPTIONS (path '$.address.city'), at timestamptz OPTIONS (format 'epoch_ms')
) SERVER kafka OPTIONS (topic 't');
INSERT INTO shown SELECT * FROM t;
