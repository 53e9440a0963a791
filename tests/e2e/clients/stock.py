"""What the tests of stock clients share: the records they send, an independent look at what arrived, the page of results.

Every client sends the same records (record(i) here; each language repeats the formula), reads them back as a member of a
group, and commits. What arrived, and the group's lag, is looked at with another client than the one under test.

UPDATE=1 writes what passed, at which version, into docs/clients.md, and takes out what fails; without it a test
fails when the page does not have its row. Versions are not compared: another machine may have another kcat.
"""

import contextlib
import os
import re
import time
import uuid

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from broker_server import Wire
from kafka_server import ROOT

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(ROOT, "docs", "clients.md")
UPDATE = os.environ.get("UPDATE") == "1"
PARTITIONS = 3
ROUND_TRIP = "records with keys and headers, read back in a group, committed, lag 0"
SECURE = "over TLS as users of PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 whom ACLs let in: " + ROUND_TRIP
TRANSACTIONS = "transactions: an aborted one is not seen, one with a group's offsets is, lag 0"

HEAD = """# Clients

What stock clients, unchanged, have done against the embedded broker. This table is made by the tests
(`tests/e2e/clients`, `UPDATE=1`): a row is there because its test passed at that version.

| client | version | what passed |
|---|---|---|
"""

# Cases of clients' own suites that fail here: why they do.
ONE_NODE = "supposes a broker with the id 0; fails on Apache Kafka with another id too"
LISTED = {
    "librdkafka's tests": {
        "0052_msg_timestamps": "writes message formats 0 and 1, which Kafka 4.0 does not take either (KIP-724)",
        "0118_commit_rebalance": "supposes that two members meet in the first generation; fails on Apache Kafka too "
                                 "when group.initial.rebalance.delay.ms is 0",
    },
    "kafka-python's test/integration": {
        "test_describe_configs_broker_resource_returns_configs": "fails on Apache Kafka 3.9 with KRaft too: written for "
                                                                 "brokers with ZooKeeper",
        "test_create_partitions": ONE_NODE,
        "test_kafka_version_infer": "takes the broker for 4.1 by the keys and versions that it offers",
        "TestSSLConnection::test_ssl_handshake": "starts a broker of its own",
        "TestSSLConnection::test_legacy_kafka_client_ssl": "starts a broker of its own",
    },
}


# Suites that cannot be pointed at a broker as it is, or only by hand.
BY_HAND = """
## Suites that are not run by the tests

- kafka-go 0.4.51 wants its broker at localhost:9092; run by hand. `TestReaderConsumerGroup/consumer_group_rebalance`, which
  stalls for 30 s, `consumer_group_commits_on_close`, and the crash that ends the suite then, are the same on Apache Kafka 3.9.
  `TestConn/test_delete_topics` and `test_delete_topics_with_an_invalid_topic` fail here only: they ask for a topic right
  after they have deleted it, and auto-creation makes it again; here the answer has it at once, Kafka's has it a moment later.
- sarama's functional tests want five brokers behind toxiproxy.
- aiokafka's tests start a broker as a container, and run Kafka's scripts in it.
"""


# ---- records -------------------------------------------------------------------------------------------


def record(i):
    """(key, value, headers), as text."""
    return f"key-{i}", f"value {i} é", [("number", str(i)), ("kind", "x")]


def records(count, first=0):
    return [record(i) for i in range(first, first + count)]


def as_bytes(some):
    return [(key.encode(), value.encode(), [(name, text.encode()) for name, text in headers])
            for key, value, headers in some]


def from_lines(text):
    """What a consumer printed as number:1,kind:x <tab> key <tab> value."""
    got = []
    for line in text.splitlines():
        headers, key, value = line.split("\t")
        got.append((key, value, [tuple(header.split(":")) for header in headers.split(",")]))
    return got


def to_lines(some):
    return "".join(",".join(f"{name}:{text}" for name, text in headers) + f"\t{key}\t{value}\n"
                   for key, value, headers in some)


def same(got, want):
    """The same records; their order counts only within a key, and each key comes once."""
    assert sorted(got) == sorted(want)


# ---- an independent look -------------------------------------------------------------------------------


def reach(broker):
    """How librdkafka comes in; a broker with security says what it takes."""
    return {"bootstrap.servers": broker.address, **getattr(broker, "security", {})}


def make_topic(broker, name, partitions=PARTITIONS):
    admin = AdminClient(reach(broker))  # Named: without it nothing would be answered.
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result(20)
    return name


def stored(broker, topic, isolation="read_committed"):
    """All records of a topic, through librdkafka."""
    consumer = Consumer({**reach(broker), "group.id": f"look-{uuid.uuid4().hex}",
                         "enable.auto.commit": False, "enable.partition.eof": True, "auto.offset.reset": "earliest",
                         "isolation.level": isolation})
    open_parts, got, end = set(consumer.list_topics(topic, 10).topics[topic].partitions), [], time.monotonic() + 30
    consumer.assign([TopicPartition(topic, p, 0) for p in open_parts])
    while open_parts:
        assert time.monotonic() < end, f"{len(got)} records, then nothing"
        message = consumer.poll(0.2)
        if message is None:
            continue
        if message.error():
            assert message.error().name() == "_PARTITION_EOF", message.error()
            open_parts.discard(message.partition())
        else:
            got.append((message.key(), message.value(), message.headers() or []))
    consumer.close()
    return got


def lag(broker, group, topic):
    """Records of the topic that the group has not committed; a partition without a commit counts whole."""
    consumer = Consumer({**reach(broker), "group.id": f"look-{uuid.uuid4().hex}"})
    parts = [TopicPartition(topic, p) for p in consumer.list_topics(topic, 10).topics[topic].partitions]
    ends = {part.partition: consumer.get_watermark_offsets(part, 10) for part in parts}
    consumer.close()
    admin = AdminClient(reach(broker))
    future, = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group, parts)]).values()
    committed = {part.partition: part.offset for part in future.result(20).topic_partitions}
    return sum(high - max(committed.get(p, 0), low) for p, (low, high) in ends.items())


def reset(broker, group, topic):
    """Sets an empty group back to the beginning."""
    admin = AdminClient(reach(broker))
    parts = [TopicPartition(topic, p, 0) for p in range(PARTITIONS)]
    future, = admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, parts)]).values()
    assert all(part.error is None for part in future.result(20).topic_partitions)


def transactions_served(broker):
    """Whether AddPartitionsToTxn, EndTxn and TxnOffsetCommit are offered."""
    with Wire(broker.port) as wire:
        wire.send(18, 0)
        body = wire.answer()[1]
    keys = {int.from_bytes(body[at:at + 2], "big") for at in range(6, len(body) - 5, 6)}
    return {24, 26, 28} <= keys


# ---- the page ------------------------------------------------------------------------------------------


def page_rows():
    """(client, what) to version."""
    if not os.path.exists(PAGE):
        return {}
    with open(PAGE, encoding="utf-8") as page:
        found = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", page.read(), re.MULTILINE)
    return {(client, what): version for client, version, what in found if client != "client"}


def write_page(rows):
    with open(PAGE, "w", encoding="utf-8") as page:
        page.write(HEAD)
        for (client, what), version in sorted(rows.items(), key=lambda row: (row[0][0].lower(), row[0][1])):
            page.write(f"| {client} | {version} | {what} |\n")
        page.write("\n## Cases of the clients' own suites that fail here\n")
        for suite, cases in sorted(LISTED.items()):
            page.write(f"\n{suite}:\n\n")
            for case, why in sorted(cases.items()):
                page.write(f"- `{case}`: {why}\n")
        page.write(BY_HAND)


@contextlib.contextmanager
def shows(client, version, what):
    """Around the whole of a test: its row of the page."""
    try:
        yield
    except BaseException:
        if UPDATE:
            write_page({row: v for row, v in page_rows().items() if row != (client, what)})
        raise
    if UPDATE:
        write_page({**page_rows(), (client, what): version})
    assert (client, what) in page_rows(), f"docs/clients.md has no row for {client}, {what}: UPDATE=1 writes it"
