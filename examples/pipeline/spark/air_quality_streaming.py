"""Air quality, in PySpark: the yardstick for sql/air_quality.sql.

As the published project's description has it; a comment marks each place that had to be completed. Start it with
spark-submit and the Kafka connector:

    spark-submit --packages org.apache.spark:spark-sql-kafka-0-10_2.12:3.5.7 --master 'local[2]' air_quality_streaming.py
"""

import os

from pyspark.sql import SparkSession
from pyspark.sql.functions import avg, col, from_json, window
from pyspark.sql.types import DoubleType, StringType, StructField, StructType, TimestampType

KAFKA_BOOTSTRAP_SERVERS = os.getenv("KAFKA_BOOTSTRAP_SERVERS", "broker:9092")
CHECKPOINT = os.getenv("CHECKPOINT", "/tmp/checkpoint-airquality")
STARTING_OFFSETS = os.getenv("STARTING_OFFSETS", "latest")  # Completed: what Spark does if nothing is said.

spark = SparkSession.builder \
    .appName("AirQualityMonitoring") \
    .getOrCreate()

# Schema for air quality sensor data
schema = StructType([
    StructField("sensor_id", StringType()),
    StructField("timestamp", TimestampType()),
    StructField("pm25", DoubleType()),
    StructField("pm10", DoubleType()),
    StructField("temperature", DoubleType()),
    StructField("humidity", DoubleType()),
    StructField("location", StringType())
])

# Read from Kafka
sensor_stream = spark.readStream \
    .format("kafka") \
    .option("kafka.bootstrap.servers", KAFKA_BOOTSTRAP_SERVERS) \
    .option("subscribe", "air-quality-raw") \
    .option("startingOffsets", STARTING_OFFSETS) \
    .load()

# Parse JSON
parsed = sensor_stream.select(
    from_json(col("value").cast("string"), schema).alias("data")
).select("data.*")

# Calculate 5-minute rolling averages
aggregated = parsed \
    .withWatermark("timestamp", "10 minutes") \
    .groupBy(
        window("timestamp", "5 minutes", "1 minute"),
        "location"
    ) \
    .agg(
        avg("pm25").alias("avg_pm25"),
        avg("pm10").alias("avg_pm10"),
        avg("temperature").alias("avg_temp"),
        avg("humidity").alias("avg_humidity")
    )

# Flag unhealthy air quality (PM2.5 > 35.4)
alerts = aggregated.filter(col("avg_pm25") > 35.4)

# Write alerts to Kafka
query = alerts.selectExpr("to_json(struct(*)) AS value") \
    .writeStream \
    .format("kafka") \
    .option("kafka.bootstrap.servers", KAFKA_BOOTSTRAP_SERVERS) \
    .option("topic", "air-quality-alerts") \
    .option("checkpointLocation", CHECKPOINT)

# Completed: UNTIL=available-now ends when the topic is worked off.
if os.getenv("UNTIL") == "available-now":
    query = query.trigger(availableNow=True)
query.start().awaitTermination()
