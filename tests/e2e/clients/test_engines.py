"""Spark's and Flink's Kafka connectors against the embedded broker, with MILLRACE_SOAK=1."""

import collections
import datetime
import glob
import json
import os
import random
import re
import subprocess

import pyarrow.parquet
import pytest
from confluent_kafka import Producer

import retail_data
import stock
from broker_server import Broker
from conftest import EXAMPLES, SOAK, millrace
from kafka_server import ROOT

pytestmark = pytest.mark.skipif(not SOAK, reason="only with MILLRACE_SOAK=1")
DEPS = os.path.join(ROOT, "build", "deps")
FLINK = os.path.join(DEPS, "flink")
COUNT = 600
OPENS = [word for package in ("java.util", "java.lang", "java.nio", "java.time")
         for word in ("--add-opens", f"java.base/{package}=ALL-UNNAMED")]  # As Flink's own scripts do.


@pytest.fixture(scope="module")
def broker():
    with Broker() as one:
        yield one


def produce(broker, topic, records):
    """records: (partition, key, value, headers)"""
    producer = Producer({"bootstrap.servers": broker.address})
    for partition, key, value, headers in records:
        producer.produce(topic, value, key=key, headers=headers, partition=partition)
    assert producer.flush(60) == 0


def some(first, count):
    return [(i % stock.PARTITIONS, *record) for i, record in enumerate(stock.as_bytes(stock.records(count, first)))]


# ---- Spark ---------------------------------------------------------------------------------------------


def spark_version():
    jar = glob.glob(os.path.join(DEPS, "spark-jars", "spark-sql-kafka-0-10_*.jar"))
    if not jar or not os.path.exists(os.path.join(DEPS, "venv-bench", "bin", "spark-submit")):
        pytest.skip("no Spark: scripts/setup bench")
    return re.search(r"-([0-9.]+)\.jar", jar[0]).group(1)


def spark(app, *args, env=None):
    jars = ",".join(sorted(glob.glob(os.path.join(DEPS, "spark-jars", "*.jar"))))
    done = subprocess.run(
        [os.path.join(DEPS, "venv-bench", "bin", "spark-submit"), "--master", "local[2]", "--driver-memory", "1g",
         "--conf", "spark.ui.enabled=false", "--conf", "spark.sql.shuffle.partitions=4", "--jars", jars, app,
         *args], capture_output=True, timeout=400, check=False,
        env={**os.environ, "PYSPARK_PYTHON": os.path.join(DEPS, "venv-bench", "bin", "python"), **(env or {})})
    assert done.returncode == 0, done.stderr.decode()[-4000:]


def retail_rows(broker, lines, folder):
    topic = stock.make_topic(broker, "retail")
    produce(broker, topic, [(p, None, line, None) for p, part in enumerate(lines) for line in part])
    spark(os.path.join(EXAMPLES, "retail", "spark", "app.py"), "--until", "available-now", "--outputs", "parquet",
          env={"KAFKA_BOOTSTRAP_SERVERS": broker.address, "KAFKA_TOPIC": topic, "OUTPUT_PATH": str(folder)})
    rows = []
    for file in glob.glob(os.path.join(str(folder), "**", "*.parquet"), recursive=True):
        country = re.search(r"country=([^/]*)", file)
        table = pyarrow.parquet.ParquetFile(file).read()
        rows += [(country and country.group(1), *(round(v, 6) if isinstance(v, float) else v for v in row.values()))
                 for row in table.to_pylist()]
    return sorted(rows, key=repr)


def test_spark_runs_the_retail_app(broker, kafka, tmp_path):
    """Unchanged but for the address; the same rows come out as from Apache Kafka."""
    version = spark_version()
    with stock.shows("Spark's Kafka connector", version,
                     "the retail example's streaming app: the same rows as from Apache Kafka 3.9"):
        lines = retail_data.generate(20_000, stock.PARTITIONS, 7).lines
        ours = retail_rows(broker, lines, tmp_path / "ours")
        assert len(ours) > 10
        assert ours == retail_rows(kafka, lines, tmp_path / "kafka")


PIPELINE = os.path.join(EXAMPLES, "pipeline")


@pytest.fixture
def alone():
    """A broker whose topics nobody else uses: the example's programs have their names in their text."""
    with Broker() as one:
        yield one


def both(broker, folder, names, rows):
    """What the program of Spark writes to a topic, and what the pipeline of the example does: (key, value) each.

    names  the program, the pipeline, the topic that they read, the one that they write
    """
    app, sql, source, sink = names
    env = {"KAFKA_BOOTSTRAP_SERVERS": broker.address, "STARTING_OFFSETS": "earliest", "TZ": "UTC"}
    for topic in (source, sink):
        stock.make_topic(broker, topic)
    produce(broker, source, [(i % stock.PARTITIONS, None, json.dumps(row).encode(), None) for i, row in enumerate(rows)])
    spark(os.path.join(PIPELINE, "spark", app), env={**env, "CHECKPOINT": str(folder / "checkpoint"), "UNTIL": "available-now"})
    theirs = [record[:2] for record in stock.stored(broker, sink)]
    millrace("run", f"sql/{sql}", "--until", "available-now", "--data", folder / "data", cwd=PIPELINE, env=env)
    ours = collections.Counter(record[:2] for record in stock.stored(broker, sink))
    ours.subtract(theirs)
    return sorted(theirs, key=repr), sorted(ours.elements(), key=repr)


def plain(records):
    """Values as tuples: times as moments, numbers to nine digits behind the point."""
    found = []
    for _, value in records:
        row = json.loads(value)
        start, end = (datetime.datetime.fromisoformat(row["window"][name].replace("Z", "+00:00")) for name in ("start", "end"))
        rest = {k: round(v, 9) if isinstance(v, float) else v for k, v in row.items() if k != "window"}
        found.append((start, end, *sorted(rest.items())))
    return sorted(found)


def at(seconds):
    return (datetime.datetime(2026, 3, 1, 8) + datetime.timedelta(seconds=seconds)).isoformat() + "Z"


def test_spark_finds_the_same_adults(alone, tmp_path):
    spark_version()
    pick = random.Random(4)
    people = [{"name": f"ä{i}", "age": pick.choice([None, 17, 18, 40]), "city": pick.choice([None, "Köln"])}
              for i in range(300)]
    theirs, ours = both(alone, tmp_path, ("kafka_spark_job.py", "adults.sql", "input-topic", "output-topic"), people)
    assert len(theirs) > 100 and theirs == ours  # Byte by byte.


def test_spark_finds_the_same_alerts(alone, tmp_path):
    spark_version()
    pick = random.Random(5)
    rows = [{"sensor_id": "s", "location": f"l{i % 3}", "timestamp": at(3 * i + pick.randrange(200)),
             "pm25": round(pick.gauss(30 + i % 3 * 6, 9), 3), "pm10": pick.choice([None, pick.random()]),
             "temperature": pick.random(), "humidity": pick.random()} for i in range(1500)]
    rows += [{"sensor_id": "s", "location": "end", "timestamp": at(9000), "pm25": 0.0}] * stock.PARTITIONS
    theirs, ours = both(alone, tmp_path, (
        "air_quality_streaming.py", "air_quality.sql", "air-quality-raw", "air-quality-alerts"), rows)
    assert len(theirs) > 50 and plain(theirs) == plain(ours)


def test_spark_counts_the_same_readings(alone, tmp_path):
    spark_version()
    pick = random.Random(6)
    rows = [{"sensor_id": f"s{pick.randrange(5)}", "timestamp": at(i + pick.randrange(60)), "value": 1.5} for i in range(2000)]
    theirs, ours = both(alone, tmp_path, (
        "my_streaming_job.py", "sensor_counts.sql", "sensor-data", "sensor-aggregates"), rows)

    def last(records):  # Of what mode update says of a minute and sensor.
        return {row[:2] + row[3:]: max(r[2][1] for r in plain(records) if r[:2] + r[3:] == row[:2] + row[3:])
                for row in plain(records)}
    assert len(last(theirs)) > 100 and last(theirs) == last(ours)


def test_spark_copies_as_batch_and_as_stream(broker, tmp_path):
    version = spark_version()
    what = ("batch by offsets and times, and a stream that goes on where it was stopped: records with keys and headers "
            "copied once each")
    with stock.shows("Spark's Kafka connector", version, what):
        topic, batch, stream = (stock.make_topic(broker, f"spark-{name}") for name in ("in", "batch", "stream"))
        produce(broker, topic, some(0, COUNT))
        spark(os.path.join(stock.HERE, "spark", "copies.py"), broker.address, topic, str(COUNT), batch, stream,
              str(tmp_path / "checkpoint"))
        stock.same(stock.stored(broker, batch), stock.as_bytes(stock.records(COUNT)))
        stock.same(stock.stored(broker, stream), stock.as_bytes(stock.records(2 * COUNT)))


# ---- Flink ---------------------------------------------------------------------------------------------


def test_flink_exactly_once(broker, tmp_path):
    jar = glob.glob(os.path.join(FLINK, "flink-connector-kafka-*.jar"))
    if not jar:
        pytest.skip("no Flink: scripts/setup test")
    version = re.search(r"flink-connector-kafka-(\S+)\.jar", jar[0]).group(1)
    with stock.shows("Flink's Kafka connector", version,
                     "exactly-once sink: a job that fails half way has copied each record once"):
        topic, output = stock.make_topic(broker, "flink-in"), stock.make_topic(broker, "flink-out")
        produce(broker, topic, some(0, COUNT))
        classes = os.path.join(FLINK, "*")
        subprocess.run(["javac", "-nowarn", "-cp", classes, "-d", str(tmp_path),
                        os.path.join(stock.HERE, "flink", "ExactlyOnce.java")], check=True, capture_output=True)
        done = subprocess.run(["java", "-Xmx600m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *OPENS,
                               "-cp", f"{tmp_path}:{classes}", "ExactlyOnce", broker.address, topic, output,
                               str(COUNT)], capture_output=True, timeout=300, check=False)
        assert done.returncode == 0 and b"after one failure" in done.stdout, done.stderr.decode()[-4000:]
        values = [value for _, value, _ in stock.stored(broker, output)]
        assert sorted(values) == sorted(value for _, value, _ in stock.as_bytes(stock.records(COUNT)))
        assert len(stock.stored(broker, output, "read_uncommitted")) > COUNT  # Those after the last checkpoint: twice.
