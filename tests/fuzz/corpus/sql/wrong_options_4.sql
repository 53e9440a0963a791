-- options of a column
CREATE FOREIGN TABLE t (a text OPTIONS (pth '$.a'), b text OPTIONS (path 'a.b'), c int OPTIONS ("from" 'key'), d text OPTIONS ("from" 'kee'), e text OPTIONS (format 'epoch_ms'), f timestamptz OPTIONS (format '%d/%m/%Y'), g timestamptz OPTIONS (idle_timeout '1 s'), h timestamptz OPTIONS (watermark 'soon')) SERVER kafka OPTIONS (topic 't');
