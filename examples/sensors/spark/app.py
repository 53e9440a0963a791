"""The sensors pipeline in PySpark: the yardstick for sql/sensors.sql.

Rebuilt from the fragments of a published project's description. Its options are kept as they stand there,
and a comment marks each place that had to be completed. Start it with spark-submit and the Kafka connector:

    spark-submit --packages org.apache.spark:spark-sql-kafka-0-10_2.12:3.5.7 app.py --master 'local[2]'
"""

import argparse
import json
import os

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, from_json, window
from pyspark.sql.types import DoubleType, IntegerType, StringType, StructField, StructType, TimestampType

kafka_bootstrap = os.getenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092")
topic = os.getenv("KAFKA_TOPIC", "events")
output_path = os.getenv("OUTPUT_PATH", "/opt/spark-output/parquet")
run_id = os.getenv("RUN_ID", "local_run")

event_schema = StructType(
    [
        StructField("id", IntegerType(), nullable=False),
        StructField("ts", TimestampType(), nullable=False),
        StructField("value", DoubleType(), nullable=False),
        StructField("source", StringType(), nullable=True),
    ]
)


def arguments():
    # Completed: the description always runs on a cluster, from the latest offsets, without an end.
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--master", help="local[N]; left out: what spark-submit says")
    parser.add_argument("--starting-offsets", default="latest", help="the description's is latest")
    parser.add_argument("--until", choices=["available-now"], help="stop at the ends found at start")
    parser.add_argument("--progress", help="file that gets each batch's progress as a JSON line")
    return parser.parse_args()


def main():
    args = arguments()
    builder = SparkSession.builder.appName("KafkaSparkStreaming")
    if args.master:
        builder = builder.master(args.master)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("WARN")

    raw_df = (
        spark.readStream
        .format("kafka")
        .option("kafka.bootstrap.servers", kafka_bootstrap)
        .option("subscribe", topic)
        .option("startingOffsets", args.starting_offsets)
        .load()
    )

    parsed_df = (
        raw_df
        .selectExpr("CAST(value AS STRING) as json_str")
        .select(from_json(col("json_str"), event_schema).alias("data"))
        .select("data.*")
    )

    agg_df = (
        parsed_df
        .withWatermark("ts", "30 seconds")
        .groupBy(
            window(col("ts"), "10 seconds").alias("w"),
            col("id"),
        )
        .avg("value")
        .withColumnRenamed("avg(value)", "avg_value")
        .select(
            col("w.start").alias("window_start"),
            col("w.end").alias("window_end"),
            col("id"),
            col("avg_value"),
        )
    )

    trigger = {"availableNow": True} if args.until else {"processingTime": "10 seconds"}

    console_query = (
        agg_df.writeStream
        .outputMode("update")
        .format("console")
        .option("truncate", "false")
        .trigger(**trigger)
        .start()
    )

    run_output_path = os.path.join(output_path, f"run_{run_id}")
    checkpoint_path = os.path.join(run_output_path, "_chk")

    parquet_query = (
        parsed_df.writeStream
        .outputMode("append")
        .format("parquet")
        .option("checkpointLocation", checkpoint_path)
        .option("path", run_output_path)
        .partitionBy("id")
        .trigger(**trigger)
        .start()
    )

    # Completed: the description does not show how the program waits.
    for query in (console_query, parquet_query):
        query.awaitTermination()
    if args.progress:
        with open(args.progress, "w", encoding="utf-8") as out:
            for query in (console_query, parquet_query):
                for progress in query.recentProgress:
                    out.write(json.dumps(progress) + "\n")
    spark.stop()


if __name__ == "__main__":
    main()
