"""Adults from one topic to another, in PySpark: the yardstick for sql/adults.sql.

As the published project's description has it; a comment marks each place that had to be completed. Start it with
spark-submit and the Kafka connector:

    spark-submit --packages org.apache.spark:spark-sql-kafka-0-10_2.12:3.5.7 --master 'local[2]' kafka_spark_job.py
"""

import os

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, from_json
from pyspark.sql.types import IntegerType, StringType, StructField, StructType

# Completed: the description has the addresses and the folder in their places.
KAFKA_BOOTSTRAP_SERVERS = os.getenv("KAFKA_BOOTSTRAP_SERVERS", "broker:9092")
CHECKPOINT = os.getenv("CHECKPOINT", "/tmp/checkpoint")

# 1. Create Spark Session with Kafka package
spark = SparkSession.builder \
    .appName("KafkaSparkStreaming") \
    .getOrCreate()

# 2. Define schema for incoming JSON
schema = StructType([
    StructField("name", StringType(), True),
    StructField("age", IntegerType(), True),
    StructField("city", StringType(), True)
])

# 3. Read from Kafka
kafka_df = spark.readStream \
    .format("kafka") \
    .option("kafka.bootstrap.servers", KAFKA_BOOTSTRAP_SERVERS) \
    .option("subscribe", "input-topic") \
    .option("startingOffsets", "earliest") \
    .load()

# 4. Parse JSON values
parsed_df = kafka_df.select(
    from_json(col("value").cast("string"), schema).alias("data")
).select("data.*")

# 5. Filter adults (age >= 18)
filtered_df = parsed_df.filter(col("age") >= 18)

# 6. Write back to Kafka
query = filtered_df.selectExpr(
    "CAST(name AS STRING) AS key",
    "to_json(struct(*)) AS value"
).writeStream \
    .format("kafka") \
    .option("kafka.bootstrap.servers", KAFKA_BOOTSTRAP_SERVERS) \
    .option("topic", "output-topic") \
    .option("checkpointLocation", CHECKPOINT)

# 7. Wait for termination. Completed: UNTIL=available-now ends when the topic is worked off.
if os.getenv("UNTIL") == "available-now":
    query = query.trigger(availableNow=True)
query.start().awaitTermination(timeout=60)
