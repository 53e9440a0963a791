"""The retail pipeline in PySpark: the yardstick for sql/retail.sql.

Rebuilt from the fragments of a published project's description. Its options are kept as they stand there,
and a comment marks each place that had to be completed. Start it with spark-submit and the Kafka connector:

    spark-submit --packages org.apache.spark:spark-sql-kafka-0-10_2.12:3.5.7 app.py --master 'local[2]'
"""

import argparse
import json
import os

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

# Completed: the description names the variables, their values are those of its compose file.
KAFKA_BOOTSTRAP_SERVERS = os.getenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092")
KAFKA_TOPIC = os.getenv("KAFKA_TOPIC", "events")
OUTPUT_PATH = os.getenv("OUTPUT_PATH", "/opt/spark-output/parquet")
CHECKPOINT_PATH = os.path.join(OUTPUT_PATH, "_chk")
RUN_ID = os.getenv("RUN_ID", "local_run")
DIM_PATH = os.getenv("DIM_PATH", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "dim"))

# Completed: the description has StructType([...]).
event_schema = T.StructType(
    [
        T.StructField("event_id", T.StringType()),
        T.StructField("user_id", T.IntegerType()),
        T.StructField("product_id", T.IntegerType()),
        T.StructField("amount", T.DoubleType()),
        T.StructField("country", T.StringType()),
        T.StructField("device", T.StringType()),
        T.StructField("event_time", T.StringType()),
    ]
)
# Completed: the description has users_data = [...] and products_data = [...]; they are read from the files
# that the SQL reads too.
users_schema = "user_id int, segment string, is_premium boolean, country string"
products_schema = "product_id int, category string, price double"


@F.udf(returnType=T.StringType())
def normalize_device_udf(d):
    if d is None:
        return "unknown"
    return d.strip().lower()


def normalize_device_builtin(column):
    """The same by Spark's own functions, without a trip to Python for each row."""
    return F.coalesce(F.lower(F.trim(F.col(column))), F.lit("unknown"))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--master", help="local[N]; left out: what spark-submit says")
    parser.add_argument("--device", choices=["udf", "builtin"], default="udf", help="how the device is cleaned")
    parser.add_argument("--until", choices=["available-now"], help="stop at the ends found at start")
    parser.add_argument("--outputs", choices=["both", "parquet"], default="both")
    parser.add_argument("--shuffle-partitions", default="8", help="the description's is 8")
    parser.add_argument("--max-offsets", help="maxOffsetsPerTrigger; left out: everything in one batch")
    parser.add_argument("--progress", help="file that gets each batch's progress as a JSON line")
    return parser.parse_args()


def session(args):
    builder = (
        SparkSession.builder.appName(f"KafkaStreamingETL_{RUN_ID}")
        .config("spark.sql.shuffle.partitions", args.shuffle_partitions)
        .config("spark.default.parallelism", "8")
        .config("spark.sql.adaptive.enabled", "true")
        .config("spark.sql.adaptive.coalescePartitions.enabled", "true")
        .config("spark.sql.adaptive.skewJoin.enabled", "true")
        .config("spark.sql.optimizer.dynamicPartitionPruning.enabled", "true")
        .config("spark.sql.autoBroadcastJoinThreshold", "-1")
        .config("spark.sql.streaming.checkpointLocation", CHECKPOINT_PATH)
        # Completed: event_date must be a date of the zone in which the daily job's ds is one.
        .config("spark.sql.session.timeZone", "Asia/Kolkata")
    )
    if args.master:
        builder = builder.master(args.master)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    return spark


def events(spark, args):
    reader = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", KAFKA_BOOTSTRAP_SERVERS)
        .option("subscribe", KAFKA_TOPIC)
        .option("startingOffsets", "earliest")
    )
    if args.max_offsets:
        reader = reader.option("maxOffsetsPerTrigger", args.max_offsets)
    kafka_df = reader.load()
    return kafka_df.select(
        F.from_json(F.col("value").cast("string"), event_schema).alias("data")
    ).select("data.*")


def clean(json_df, args):
    device = normalize_device_udf("device") if args.device == "udf" else normalize_device_builtin("device")
    return (
        json_df.withColumn("device_norm", device)
        .withColumn("country", F.upper(F.col("country")))
        .withColumn("event_time", F.to_timestamp("event_time"))
        .na.fill({"amount": 0.0, "country": "UNKNOWN", "device_norm": "unknown"})
        .dropDuplicates(["event_id"])
    )


def enrich(spark, cleaned):
    users_df = spark.read.csv(os.path.join(DIM_PATH, "users.csv"), schema=users_schema, header=True)
    products_df = spark.read.csv(os.path.join(DIM_PATH, "products.csv"), schema=products_schema, header=True)

    users_df = users_df.repartition(4, "user_id").cache()
    products_df = products_df.repartition(4, "product_id").cache()

    users_df_no_country = users_df.drop("country")

    return (
        cleaned.join(F.broadcast(users_df_no_country), "user_id", "left")
        .join(products_df, "product_id", "left")
    )


def project(spark, enriched):
    enriched.createOrReplaceTempView("fact_events")
    return spark.sql(
        """
        SELECT
          event_id,
          user_id,
          product_id,
          amount,
          event_time,
          country,
          device_norm,
          segment,
          is_premium
        FROM fact_events
        """
    )


def aggregate(sql_enriched):
    with_watermark = sql_enriched.withWatermark("event_time", "30 seconds")

    windowed = (
        with_watermark.groupBy(
            F.window("event_time", "1 minute", "30 seconds"),
            "country",
            "segment",
        )
        .agg(
            F.sum("amount").alias("total_amount"),
            F.approx_count_distinct("event_id").alias("unique_events"),
            F.max("event_time").alias("max_event_time"),
        )
    )

    windowed_flat = (
        windowed
        .withColumn("event_date", F.to_date(F.col("window.end")))
        .drop("window")
    )

    return windowed_flat.repartition("country")


def start(final_output, args):
    parquet = (
        final_output.writeStream.outputMode("append")
        .format("parquet")
        .option("path", OUTPUT_PATH)
        .option("checkpointLocation", CHECKPOINT_PATH)
        .partitionBy("country")
    )
    console = (
        final_output.writeStream.outputMode("update")
        .format("console")
        .option("truncate", "false")
    )
    # Completed: the description always runs on; a test needs an end.
    if args.until == "available-now":
        parquet = parquet.trigger(availableNow=True)
        console = console.trigger(availableNow=True)
    else:
        parquet = parquet.trigger(processingTime="30 seconds")
    queries = [parquet.queryName("parquet").start()]
    if args.outputs == "both":
        queries.append(console.queryName("console").start())
    return queries


def main():
    args = arguments()
    spark = session(args)
    queries = start(aggregate(project(spark, enrich(spark, clean(events(spark, args), args)))), args)
    for query in queries:
        query.awaitTermination()
    if args.progress:
        with open(args.progress, "w", encoding="utf-8") as out:
            for query in queries:
                for progress in query.recentProgress:
                    out.write(json.dumps(progress) + "\n")
    spark.stop()


if __name__ == "__main__":
    main()
