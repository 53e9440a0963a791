-- Hello: orders, made up as made/orders.yaml says, joined with dim/customers.csv; what each segment
-- spends in ten seconds is shown while it grows, and written as Parquet when a window is over.
--
--   millrace run sql/hello.sql                  until interrupted (Ctrl-C); a new start goes on
--   millrace run sql/hello.sql --until 10s      for ten seconds
--   millrace sql "SELECT * FROM spending ORDER BY window_start, segment"

CREATE SERVER made FOREIGN DATA WRAPPER generator;
CREATE SERVER console FOREIGN DATA WRAPPER console;
CREATE SERVER lake FOREIGN DATA WRAPPER parquet;

-- Rows that come more than 2 seconds behind go to orders_late, rows that cannot be read to orders_bad.
CREATE FOREIGN TABLE orders (
  order_id    text NOT NULL,
  customer_id int NOT NULL,
  amount      double precision,
  at          timestamptz OPTIONS (watermark '2 seconds') NOT NULL
) SERVER made OPTIONS (spec 'made/orders.yaml');

CREATE TABLE customers (customer_id int PRIMARY KEY, segment text);
COPY customers FROM 'dim/customers.csv' (FORMAT csv, HEADER);

-- An order that comes twice counts once.
CREATE VIEW once WITH (state_ttl = '1 minute') AS
  SELECT DISTINCT ON (order_id) order_id, customer_id, amount, at FROM orders;

CREATE VIEW by_segment AS
  SELECT window_start, segment, count(*) AS orders, round(sum(amount), 2) AS amount
  FROM tumble(once, at, interval '10 seconds') LEFT JOIN customers USING (customer_id)
  GROUP BY window_start, window_end, segment;

CREATE FOREIGN TABLE growing () SERVER console OPTIONS (mode 'update', trigger '1 second', truncate 'false');
INSERT INTO growing SELECT * FROM by_segment;

CREATE FOREIGN TABLE spending () SERVER lake OPTIONS (mode 'append');
INSERT INTO spending SELECT * FROM by_segment;
