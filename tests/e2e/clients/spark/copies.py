"""Spark's connector as a stock client: a topic copied as a batch, and as a stream that is stopped and goes on.

spark-submit copies.py ADDRESS TOPIC COUNT BATCH_OUTPUT STREAM_OUTPUT FOLDER
The topic holds records 0 .. COUNT of stock.py's record(i); COUNT more are written to it between the stream's two lives.
"""

import sys

from pyspark.sql import SparkSession

ADDRESS, TOPIC, COUNT, BATCH_OUTPUT, STREAM_OUTPUT, FOLDER = sys.argv[1:]
COUNT = int(COUNT)
spark = SparkSession.builder.getOrCreate()


def kafka(side, **options):
    side = side.format("kafka").option("kafka.bootstrap.servers", ADDRESS)
    for name, value in options.items():
        side = side.option(name, value)
    return side


def batch():
    """From the beginning to the end, then a range that is named."""
    rows = kafka(spark.read, subscribe=TOPIC, startingOffsets="earliest", endingOffsets="latest",
                 includeHeaders="true").load()
    assert rows.count() == COUNT, rows.count()
    kafka(rows.select("key", "value", "headers").write, topic=BATCH_OUTPUT).save()
    first = kafka(spark.read, subscribe=TOPIC, startingOffsets=f'{{"{TOPIC}": {{"0": 2, "1": 0, "2": 0}}}}',
                  endingOffsets=f'{{"{TOPIC}": {{"0": 7, "1": 0, "2": 0}}}}').load()
    assert sorted((row.partition, row.offset) for row in first.collect()) == [(0, offset) for offset in range(2, 7)]
    none = kafka(spark.read, subscribe=TOPIC, startingTimestamp="1", endingTimestamp="2").load()
    assert none.count() == 0


def add():
    rows = [(f"key-{i}", f"value {i} é", [("number", str(i).encode()), ("kind", b"x")])
            for i in range(COUNT, 2 * COUNT)]
    schema = "key string, value string, headers array<struct<key: string, value: binary>>"
    kafka(spark.createDataFrame(rows, schema).write, topic=TOPIC).save()


def stream():
    """One life, until all that is there is copied. ret: how many micro batches it took, how many rows."""
    rows = kafka(spark.readStream, subscribe=TOPIC, startingOffsets="earliest", includeHeaders="true",
                 maxOffsetsPerTrigger=str(COUNT // 3)).load()
    query = (kafka(rows.select("key", "value", "headers").writeStream, topic=STREAM_OUTPUT)
             .option("checkpointLocation", FOLDER).trigger(processingTime="100 milliseconds").start())
    query.processAllAvailable()
    done = [progress["numInputRows"] for progress in query.recentProgress if progress["numInputRows"] > 0]
    query.stop()
    return len(done), sum(done)


batch()
batches, rows_read = stream()
assert batches > 2 and rows_read == COUNT, (batches, rows_read)
add()
batches, rows_read = stream()
assert rows_read == COUNT, (batches, rows_read)  # Its checkpoint says where it was.
