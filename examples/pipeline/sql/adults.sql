-- Adults: people from one topic, those of at least 18 years to another, keyed by their name.
--
-- The DAG kafka_spark_pipeline runs it until the topic is worked off; `up` leaves it alone.
-- By hand:             millrace run sql/adults.sql --until available-now
-- From a file:         millrace run sql/adults.sql --source people=file:sample.jsonl --until end
-- The same in PySpark: spark/kafka_spark_job.py

SET run = 'manual';

CREATE SERVER kafka FOREIGN DATA WRAPPER kafka
  OPTIONS (bootstrap_servers '${KAFKA_BOOTSTRAP_SERVERS:-embedded}');

-- Someone whose age is no number goes to people_bad. (Spark makes it NULL, and drops the row unseen.)
CREATE FOREIGN TABLE people (
  name text,
  age  int,
  city text
) SERVER kafka
  OPTIONS (topic '${INPUT_TOPIC:-input-topic}', format 'json', starting_offsets 'earliest', partitions '3',
           max_rate_per_partition '${MAX_RATE_PER_PARTITION:-1000}');

CREATE FOREIGN TABLE adults () SERVER kafka
  OPTIONS (topic '${OUTPUT_TOPIC:-output-topic}', key 'name', partitions '3');

INSERT INTO adults SELECT name, age, city FROM people WHERE age >= 18;
