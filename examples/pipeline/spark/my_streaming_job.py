"""Readings of each sensor a minute, in PySpark: the yardstick for sql/sensor_counts.sql.

As the published project's description has it; a comment marks each place that had to be completed. Start it with
spark-submit and the Kafka connector:

    spark-submit --packages org.apache.spark:spark-sql-kafka-0-10_2.12:3.5.7 --master 'local[2]' my_streaming_job.py
"""

import os

from pyspark.sql import SparkSession
from pyspark.sql.functions import count, from_json, window
from pyspark.sql.types import DoubleType, StringType, StructField, StructType, TimestampType

KAFKA_BOOTSTRAP_SERVERS = os.getenv("KAFKA_BOOTSTRAP_SERVERS", "broker:9092")
CHECKPOINT = os.getenv("CHECKPOINT", "/tmp/checkpoint-sensors")
STARTING_OFFSETS = os.getenv("STARTING_OFFSETS", "latest")  # Completed: what Spark does if nothing is said.

spark = SparkSession.builder \
    .appName("MyStreamingJob") \
    .getOrCreate()

# Completed: the description uses a schema that it does not show.
schema = StructType([
    StructField("sensor_id", StringType()),
    StructField("timestamp", TimestampType()),
    StructField("value", DoubleType())
])

# Read from Kafka
df = spark.readStream \
    .format("kafka") \
    .option("kafka.bootstrap.servers", KAFKA_BOOTSTRAP_SERVERS) \
    .option("subscribe", "sensor-data") \
    .option("startingOffsets", STARTING_OFFSETS) \
    .load()

# Parse and process
processed = df.selectExpr("CAST(value AS STRING) as json") \
    .select(from_json("json", schema).alias("data")) \
    .select("data.*") \
    .groupBy(window("timestamp", "1 minute"), "sensor_id") \
    .agg(count("*").alias("count"))

# Write to Kafka
query = processed.selectExpr("to_json(struct(*)) AS value") \
    .writeStream \
    .format("kafka") \
    .option("kafka.bootstrap.servers", KAFKA_BOOTSTRAP_SERVERS) \
    .option("topic", "sensor-aggregates") \
    .option("checkpointLocation", CHECKPOINT) \
    .outputMode("update")

# Completed: UNTIL=available-now ends when the topic is worked off.
if os.getenv("UNTIL") == "available-now":
    query = query.trigger(availableNow=True)
query.start().awaitTermination()
