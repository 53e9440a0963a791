"""Transactions as clients meet them: the same cases against this broker and against Apache Kafka 3.9."""

import re
import subprocess
import time
import uuid

import pytest
from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from broker_server import Broker
from history_load import create_topics
from kafka_server import LIBS

QUIET = {"log_level": 0}


@pytest.fixture(scope="module", params=["millrace", "kafka"])
def server(request):
    if request.param == "millrace":
        with Broker(settings=["broker.num_partitions=2"]) as broker:
            yield broker
    else:
        yield request.getfixturevalue("kafka")


@pytest.fixture
def topic(server):
    name = f"t-{uuid.uuid4().hex[:8]}"
    create_topics({"bootstrap.servers": server.address}, [name], 2)
    return name


def producer_of(server, name, timeout_ms=600_000):
    producer = Producer({"bootstrap.servers": server.address, "transactional.id": name, **QUIET,
                         "transaction.timeout.ms": timeout_ms, "message.timeout.ms": min(timeout_ms, 120_000)})
    producer.init_transactions(120)
    return producer


def ends(server, topic, level):
    admin = AdminClient({"bootstrap.servers": server.address})
    places = [TopicPartition(topic, p) for p in range(2)]
    found = admin.list_offsets({p: OffsetSpec.latest() for p in places}, isolation_level=level)
    return [found[p].result(120).offset for p in places]


def read(server, topic, committed=True):
    """All values, by partition; ends where ListOffsets says that it ends."""
    level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
    last = ends(server, topic, level)
    consumer = Consumer({"bootstrap.servers": server.address, "group.id": uuid.uuid4().hex, **QUIET,
                         "isolation.level": "read_committed" if committed else "read_uncommitted",
                         "enable.partition.eof": True, "fetch.wait.max.ms": 50})
    consumer.assign([TopicPartition(topic, p, 0) for p in range(2)])
    values, at_end, limit = [[], []], {p for p in range(2) if last[p] == 0}, time.monotonic() + 120
    while len(at_end) < 2:
        assert time.monotonic() < limit
        message = consumer.poll(0.2)
        if message is None:
            continue
        if message.error() is None:
            values[message.partition()].append(message.value().decode())
        elif message.error().code() == KafkaError._PARTITION_EOF:
            at_end.add(message.partition())
    consumer.close()
    return values


def test_committed_is_seen_and_aborted_is_not(server, topic):
    producer = producer_of(server, f"{topic}-a")
    for outcome in ("commit", "abort", "commit"):
        producer.begin_transaction()
        for p in range(2):
            producer.produce(topic, f"{outcome}-{p}", partition=p)
        producer.flush(120)  # An abort drops what was not sent.
        (producer.commit_transaction if outcome == "commit" else producer.abort_transaction)(120)
    assert read(server, topic) == [[f"commit-{p}"] * 2 for p in range(2)]
    assert [len(v) for v in read(server, topic, committed=False)] == [3, 3]


def test_an_open_transaction_holds_readers_of_committed_back(server, topic):
    producer = producer_of(server, f"{topic}-a")
    producer.begin_transaction()
    producer.produce(topic, "open", partition=0)
    producer.flush(120)
    plain = Producer({"bootstrap.servers": server.address})
    plain.produce(topic, "behind", partition=0)
    plain.flush(120)
    assert read(server, topic)[0] == []
    assert read(server, topic, committed=False)[0] == ["open", "behind"]
    producer.commit_transaction(120)
    assert read(server, topic)[0] == ["open", "behind"]


def test_a_newer_instance_fences_the_older_one(server, topic):
    old = producer_of(server, f"{topic}-a")
    old.begin_transaction()
    old.produce(topic, "old", partition=0)
    old.flush(120)
    new = producer_of(server, f"{topic}-a")
    with pytest.raises(KafkaException) as raised:
        old.commit_transaction(120)
    assert raised.value.args[0].fatal() and raised.value.args[0].code() == KafkaError._FENCED
    new.begin_transaction()
    new.produce(topic, "new", partition=0)
    new.commit_transaction(120)
    assert read(server, topic)[0] == ["new"]


def test_offsets_are_committed_with_the_transaction(server, topic):
    group = f"{topic}-group"
    consumer = Consumer({"bootstrap.servers": server.address, "group.id": group, "enable.auto.commit": False})
    producer = producer_of(server, f"{topic}-a")
    for offset, commit in ((5, True), (9, False), (7, True)):
        producer.begin_transaction()
        producer.produce(topic, str(offset), partition=0)
        producer.send_offsets_to_transaction([TopicPartition(topic, 0, offset)],
                                             consumer.consumer_group_metadata(), 120)
        (producer.commit_transaction if commit else producer.abort_transaction)(120)
        wait_for(lambda: consumer.committed([TopicPartition(topic, 0)], 120)[0].offset,
                 offset if commit else 5)
    consumer.close()


def test_a_transaction_over_its_time_is_aborted(server, topic):
    producer = producer_of(server, f"{topic}-a", timeout_ms=8000)
    producer.begin_transaction()
    producer.produce(topic, "late", partition=0)
    producer.flush(120)
    wait_for(lambda: ends(server, topic, IsolationLevel.READ_COMMITTED)[0], 2)
    assert read(server, topic)[0] == []
    with pytest.raises(KafkaException):
        producer.commit_transaction(120)


def wait_for(call, value, timeout=120):
    end = time.monotonic() + timeout
    while True:
        got = call()
        if got == value:
            return
        assert time.monotonic() < end, f"{got} is not {value}"
        time.sleep(0.1)


# ---- Kafka's own tool ------------------------------------------------------------------------------


def tool(server, *args):
    done = subprocess.run(["java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", f"{LIBS}/*",
                           "org.apache.kafka.tools.TransactionsCommand", "--bootstrap-server", server.address, *args],
                          capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


def test_kafka_transactions_lists_describes_and_aborts(server, topic):
    producer = producer_of(server, f"{topic}-a")
    producer.begin_transaction()
    producer.produce(topic, "open", partition=1)
    producer.flush(120)

    code, out = tool(server, "list")
    assert code == 0 and re.search(rf"{topic}-a\s+\S*\s*\d+\s+Ongoing", out), out
    code, out = tool(server, "describe", "--transactional-id", f"{topic}-a")
    assert code == 0 and "Ongoing" in out and f"{topic}-1" in out, out
    code, out = tool(server, "describe-producers", "--topic", topic, "--partition", "1")
    row = re.search(r"^(\d+)\s+(\d+)\s+(-?\d+)\s+(\d+)\s+(-?\d+)\s+(\S+)\s*$", out, re.M)
    assert code == 0 and row is not None and row.group(6) == "0", out
    code, out = tool(server, "abort", "--topic", topic, "--partition", "1", "--start-offset", "0")
    assert code == 0, out
    wait_for(lambda: ends(server, topic, IsolationLevel.READ_COMMITTED)[1], 2)
    assert read(server, topic)[1] == []


# ---- only here: kills at the worst moments -----------------------------------------------------------


@pytest.mark.parametrize("point", ["transaction.prepared", "transaction.marked"])
def test_an_end_that_was_decided_is_finished_by_the_next_start(point, monkeypatch):
    name = "decided"
    with Broker(settings=["broker.num_partitions=2"]) as broker:
        topic = f"t-{point}"
        create_topics({"bootstrap.servers": broker.address}, [topic], 2)
        broker.stop()
        monkeypatch.setenv("MILLRACE_CRASH", f"{point}:1")
        broker.start()
        monkeypatch.delenv("MILLRACE_CRASH")
        producer = producer_of(broker, name)
        producer.begin_transaction()
        for p in range(2):
            producer.produce(topic, f"value-{p}", partition=p)
        producer.flush(120)
        with pytest.raises(KafkaException):
            producer.commit_transaction(3)  # It dies in the middle of it.
        broker.process.wait(120)
        broker.kill()
        broker.start()
        wait_for(lambda: read(broker, topic), [["value-0"], ["value-1"]])
        producer.commit_transaction(120)  # The client asks again, and is told that it is done.
        producer.begin_transaction()
        producer.produce(topic, "after", partition=0)
        producer.commit_transaction(120)
        assert read(broker, topic)[0] == ["value-0", "after"]
