"""The retail example from a real Kafka: three partitions, each with a clock of its own."""

import subprocess
import uuid

import pytest
from confluent_kafka.admin import AdminClient

import oracle
import retail_data
from conftest import (SIGTERM, check_counts, check_retail, example, kafka_env, millrace, settings, size, start, to_the_end,
                      wait_until)

EVENTS = size(100_000, 1_000_000)
SMALL = 3_000
# The third partition is ten minutes behind: one watermark for all would lose its rows.
SKEW_US = 600_000_000


@pytest.fixture(scope="module")
def large():
    return prepare(retail_data.generate(EVENTS, 3, seed=21, future=True, skew_us=SKEW_US))


@pytest.fixture(scope="module")
def small():
    return prepare(retail_data.generate(SMALL, 3, seed=22, future=True, skew_us=SKEW_US, dirt=4))


def prepare(known):
    known.in_kafka = True
    known.expected = oracle.retail_expected(known.of(retail_data.GOOD))
    return known


def by(client, tmp_path):
    """The example's SQL, read by this client."""
    if client == "auto":
        return example("retail", tmp_path)
    return example("retail", tmp_path, ("format 'json', starting", f"format 'json', client '{client}', starting"))


def arguments(data, *more, until="end"):
    return ["run", "sql/retail.sql", "--until", until, "--data", data, "--progress", "json", *more]


@pytest.fixture(scope="module")
def large_topic(kafka, large):
    kafka.create_topic("retail-large", 3)
    assert kafka.produce("retail-large", large.lines) == EVENTS
    yield "retail-large"
    kafka.delete_topic("retail-large")


@pytest.fixture(scope="module")
def small_topic(kafka, small):
    kafka.create_topic("retail-small", 3)
    assert kafka.produce("retail-small", small.lines) == SMALL
    yield "retail-small"
    kafka.delete_topic("retail-small")


@pytest.mark.parametrize("client, workers", [("auto", 1), ("auto", 2), ("auto", 4), ("librdkafka", 2)])
def test_result_is_right(kafka, large_topic, large, tmp_path, client, workers):
    sql, folder = by(client, tmp_path)
    run = millrace("run", sql, *arguments(tmp_path, *settings(workers=workers))[2:], cwd=folder,
                   env=kafka_env(kafka, large_topic))
    assert run.progress.done
    check_retail(tmp_path, large, large.expected)
    check_counts(large, run.progress)
    assert large.counts()["future"] > 0


@pytest.mark.parametrize("batch_rows", [1, 3, 2048])
def test_batch_size_changes_nothing(kafka, small_topic, small, tmp_path, batch_rows):
    run = millrace(*arguments(tmp_path, *settings(batch_rows=batch_rows, workers=2)),
                   env=kafka_env(kafka, small_topic))
    check_retail(tmp_path, small, small.expected)
    check_counts(small, run.progress)


@pytest.mark.parametrize("client, workers", [("auto", 1), ("auto", 4), ("librdkafka", 4)])
def test_restart_after_every_epoch_changes_nothing(kafka, small_topic, small, tmp_path, client, workers):
    sql, folder = by(client, tmp_path)
    lives = to_the_end(["run", sql, *arguments(tmp_path, *settings(
        workers=workers, batch_rows=16, epoch_rows=150, chunk_bytes=1024, stop_after_epochs=1))[2:]],
        cwd=folder, env=kafka_env(kafka, small_topic))
    assert len(lives) >= 5
    check_retail(tmp_path, small, small.expected)
    check_counts(small, lives[-1].progress)


def test_rows_that_come_while_it_runs_and_a_clean_stop(kafka, topic, small, tmp_path):
    """Rows in three helpings, with a SIGTERM and a restart between each."""
    env = kafka_env(kafka, topic)
    third = [[lines[len(lines) * i // 3: len(lines) * (i + 1) // 3] for lines in small.lines] for i in range(3)]
    for helping in third:
        run = start("run", "sql/retail.sql", "--data", tmp_path, "--progress", "json", env=env)
        kafka.produce(topic, helping)
        run.reaches(lambda said: said.lines, "a commit")
        with pytest.raises(subprocess.TimeoutExpired):  # It does not end by itself.
            run.process.wait(2)
        run.signal(SIGTERM)
        run.wait(60)
        assert run.code in (0, 130), run.err[-2000:]
    millrace(*arguments(tmp_path), env=env)
    check_retail(tmp_path, small, small.expected)


def test_a_topic_that_is_missing_is_made(kafka, tmp_path):
    name = f"made-{uuid.uuid4().hex[:8]}"
    run = start("run", "sql/retail.sql", "--data", tmp_path, "--progress", "json", env=kafka_env(kafka, name))
    admin = AdminClient({"bootstrap.servers": kafka.address})
    try:
        wait_until(lambda: name in admin.list_topics(timeout=60).topics, 20, f"topic {name}")
    finally:
        run.signal(SIGTERM)
        run.wait(30)
    assert len(admin.list_topics(timeout=60).topics[name].partitions) == 3
    kafka.delete_topic(name)
