"""The Kafka source against a real Kafka: where it begins and ends, what it sees, what it refuses.

Every test runs with both clients: millrace's own, which is the default, and librdkafka.

The source is driven by tests/diff/kafka_dump.c, which prints every record as a line of JSON.
BUILD=dir       the build folder that holds diff-kafka_dump (default build)
"""

import json
import os
import subprocess
import time
import uuid

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions

from conftest import ROOT, wait_until
from kafka_server import KafkaServer, free_ports

BUILD = os.environ.get("BUILD", "build")


@pytest.fixture(scope="module")
def dump_program():
    path = os.path.join(BUILD, "diff-kafka_dump")
    if os.environ.get("KAFKA_DUMP_BUILT") != "1":
        subprocess.run(["make", "-s", f"BUILD={BUILD}", path], cwd=ROOT, check=True, timeout=600)
    return os.path.join(ROOT, path)


@pytest.fixture(scope="module")
def server(kafka):
    return kafka


class Dump:
    def __init__(self, output, code):
        lines = [json.loads(line) for line in output.splitlines()]
        self.code = code
        self.rows = [line["row"] for line in lines if "row" in line]
        self.bad = [line["bad"] for line in lines if "bad" in line]
        self.error = next((line for line in lines if "error" in line), None)
        self.end = next((line for line in lines if "positions" in line), None)

    def ids(self, partition=None):
        return [row["id"] for row in self.rows if partition in (None, row["p"])]


@pytest.fixture(params=["native", "librdkafka"])
def client(request):
    return request.param


@pytest.fixture
def dump(dump_program, server, client):
    def run(topic, *words, timeout=300, address=None, **options):
        args = [dump_program, f"bootstrap_servers={address or server.address}", f"topic={topic}",
                f"client={client}", *words, *(f"{name}={value}" for name, value in options.items())]
        done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout)
        assert done.stderr == "", done.stderr  # A library never prints.
        return Dump(done.stdout, done.returncode)
    return run


@pytest.fixture
def topic(server):
    name = f"t-{uuid.uuid4().hex[:8]}"
    server.create_topic(name, partitions=2)
    return name


def send(server, topic, messages, **config):
    """messages: (partition, value, extra arguments of produce)."""
    producer = Producer({"bootstrap.servers": server.address, "linger.ms": 5, **config})
    for partition, value, extra in messages:
        producer.produce(topic, value, partition=partition, **extra)
    assert producer.flush(120) == 0


def numbered(partition, ids, **extra):
    return [(partition, json.dumps({"id": i, "v": "x" * (i % 50)}).encode(), extra) for i in ids]


def test_reads_all_of_every_partition_in_order(dump, server, topic):
    send(server, topic, numbered(0, range(5000)) + numbered(1, range(10000, 17000)))
    for chunk_bytes in (200, 262144):
        got = dump(topic, until="end", starting_offsets="earliest", chunk_bytes=chunk_bytes)
        assert got.code == 0 and got.end["finished"]
        assert got.ids(0) == list(range(5000))
        assert got.ids(1) == list(range(10000, 17000))
        assert all(row["v"] == "x" * (row["id"] % 50) for row in got.rows)
        assert [row["o"] for row in got.rows if row["p"] == 0] == list(range(5000))
        assert got.end["positions"] == {f"{topic}/0": 5000, f"{topic}/1": 7000}


def test_gives_key_headers_timestamp_and_counts_no_tombstone(dump, server, topic):
    send(server, topic, [
        (0, b'{"id":1}', dict(key=b"k\xc3\xa9y", timestamp=1767225600123, headers=[("a", b"1"), ("a", None), ("b", b"\xff")])),
        (0, None, dict(key=b"gone")),
        (0, b'{"id":2', dict()),
        (0, b'{"id":3}', dict(timestamp=1767225600000)),
        (0, b"", dict()),  # Blank: skipped, as a blank line is.
    ])
    got = dump(topic, until="now", starting_offsets="earliest")
    assert got.ids() == [1, 3]
    first, second = got.rows
    assert first["key"] == "kéy" and first["topic"] == topic and first["o"] == 0
    assert first["ts"] == "2026-01-01 00:00:00.123+00"
    assert json.loads(first["headers"]) == [
        {"key": "a", "value": "1"}, {"key": "a", "value": None}, {"key": "b", "value": "\\xff"}]
    assert second["key"] is None and second["headers"] is None and second["o"] == 3
    assert [bad["o"] for bad in got.bad] == [2]
    assert got.end["positions"][f"{topic}/0"] == 5


def test_starts_where_it_is_told(dump, server, topic):
    send(server, topic, [m for i in range(10) for m in numbered(0, [i], timestamp=1767225600000 + i * 1000)])
    send(server, topic, numbered(1, range(100, 105), timestamp=1767225600000))
    at = {
        "earliest": (list(range(10)), list(range(100, 105))),
        "latest": ([], []),
        "2026-01-01 00:00:07": ([7, 8, 9], []),
        "2026-01-01T00:00:06.5Z": ([7, 8, 9], []),
        "1767225608000": ([8, 9], []),
        json.dumps({topic: {"0": 4, "1": -1}}): ([4, 5, 6, 7, 8, 9], []),
        json.dumps({topic: {"0": -2, "1": 3}}): (list(range(10)), [103, 104]),
    }
    for offsets, (first, second) in at.items():
        got = dump(topic, until="end", starting_offsets=offsets)
        assert (got.ids(0), got.ids(1)) == (first, second), offsets
        assert got.end["finished"]
    got = dump(topic, until="end", starting_offsets=json.dumps({topic: {"0": 1}}))
    assert got.error["error"] == f'starting_offsets do not name partition 1 of topic "{topic}"'
    got = dump(topic, until="end", starting_offsets=json.dumps({topic: {"0": 1, "1": 77}}))
    assert got.error["error"] == f'topic "{topic}", partition 1: offset 77 is gone; available are 0 .. 5'
    got = dump(topic, until="end", starting_offsets=json.dumps({topic: {"0": 1, "2": 7}}))
    assert "has no partition 2" in got.error["error"]


def test_sees_committed_transactions_only(dump, server, topic):
    def transaction(ids, commit):
        producer = Producer({"bootstrap.servers": server.address, "transactional.id": uuid.uuid4().hex})
        producer.init_transactions(120)
        producer.begin_transaction()
        for partition, value, extra in numbered(0, ids):
            producer.produce(topic, value, partition=partition)
        producer.flush(120)
        if commit is not None:
            (producer.commit_transaction if commit else producer.abort_transaction)(120)
        return producer

    transaction(range(0, 100), True)
    transaction(range(100, 200), False)
    transaction(range(200, 300), True)
    got = dump(topic, until="end", starting_offsets="earliest")
    assert got.ids() == list(range(100)) + list(range(200, 300))
    assert got.end["finished"]
    assert got.end["positions"][f"{topic}/0"] == 303  # Behind the last marker: nothing is left to read.
    # The end of a partition is a marker of an aborted transaction.
    transaction(range(300, 310), False)
    got = dump(topic, f"seek:{topic}/0=303", f"seek:{topic}/1=0", until="end")
    assert got.ids() == [] and got.end["finished"]
    # An open transaction holds its records back, and a bounded run does not wait for it.
    open_one = transaction(range(400, 410), None)
    got = dump(topic, f"seek:{topic}/0=303", f"seek:{topic}/1=0", until="end")
    assert got.ids() == [] and got.end["finished"]
    position = got.end["positions"][f"{topic}/0"]
    open_one.commit_transaction(120)
    got = dump(topic, f"seek:{topic}/0={position}", f"seek:{topic}/1=0", until="end")
    assert got.ids() == list(range(400, 410))


def test_skips_aborted_records_between_committed_ones(dump, server, topic):
    """Two producers' transactions lie between each other, in compressed batches; every second is taken back."""
    producers = [Producer({"bootstrap.servers": server.address, "transactional.id": uuid.uuid4().hex,
                           "linger.ms": 1, "compression.type": codec}) for codec in ("zstd", "lz4")]
    for producer in producers:
        producer.init_transactions(120)
    expected, following = [], 0
    for turn in range(12):
        for producer in producers:
            producer.begin_transaction()
        for _ in range(3):  # Each flush is a batch of its own, so that they alternate.
            for number, producer in enumerate(producers):
                for i in range(following, following + 20):
                    producer.produce(topic, json.dumps({"id": i}).encode(), partition=0)
                if (turn + number) % 2 == 0:
                    expected += range(following, following + 20)
                following += 20
                assert producer.flush(120) == 0
        for number, producer in enumerate(producers):
            (producer.commit_transaction if (turn + number) % 2 == 0 else producer.abort_transaction)(120)
    for options in ({}, {"chunk_bytes": 100}):
        got = dump(topic, until="end", starting_offsets="earliest", **options)
        assert got.ids() == expected and got.end["finished"]
    # From the middle of what was taken back, and of what was not.
    places = [row["o"] for row in got.rows]
    for start in (3, 25, places[100] - 1, places[100], places[-1], places[-1] + 1):
        got = dump(topic, f"seek:{topic}/0={start}", f"seek:{topic}/1=0", until="end")
        assert [row["o"] for row in got.rows] == [o for o in places if o >= start], start


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_reads_every_compression(dump, server, topic, codec):
    """Of one topic compressed and plain batches; whole, in small chunks, and a few records at a time."""
    def part(first, compression):
        send(server, topic, numbered(0, range(first, first + 1500), headers=[("h", b"1")], key=b"k"),
             **{"compression.type": compression, "batch.num.messages": 400})

    part(0, codec)
    part(1500, "none")
    part(3000, codec)
    for options in ({}, {"chunk_bytes": 300}, {"max_rows_per_trigger": 333, "refresh": "true"}):
        got = dump(topic, until="end", starting_offsets="earliest", **options)
        assert got.ids() == list(range(4500)), options
        assert all(row["v"] == "x" * (row["id"] % 50) and row["key"] == "k" for row in got.rows)
        assert {row["headers"] for row in got.rows} == {'[{"key":"h","value":"1"}]'}
    got = dump(topic, f"seek:{topic}/0=777", f"seek:{topic}/1=0", until="end")
    assert got.ids() == list(range(777, 4500))


def test_passes_over_what_compaction_removed(dump, server):
    name = f"compacted-{uuid.uuid4().hex[:8]}"
    server.create_topic(name, partitions=1, config={
        "cleanup.policy": "compact", "segment.bytes": "20000", "min.cleanable.dirty.ratio": "0.01"})
    values = {}
    for i in range(6000):
        values[f"k{i * 7 % 501}"] = i
    messages = [(0, json.dumps({"id": i, "v": "y" * 20}).encode(), {"key": f"k{i * 7 % 501}"}) for i in range(6000)]
    send(server, name, messages, **{"batch.num.messages": 50})
    begun, before = time.monotonic(), None
    while True:  # The active segment is not compacted, so some old records stay.
        got = dump(name, until="end", starting_offsets="earliest")
        if len(got.rows) < 2000 and got.ids() == before:
            break
        before = got.ids()
        assert time.monotonic() - begun < 240, f"{len(got.rows)} records are left after four minutes"
        time.sleep(2)
    offsets = [row["o"] for row in got.rows]
    assert offsets == sorted(set(offsets)) == [row["id"] for row in got.rows]
    latest = {row["key"]: row["id"] for row in got.rows}
    assert latest == values
    assert got.end["positions"][f"{name}/0"] == 6000 and got.end["finished"]
    # In a gap: the next record that is left follows.
    gap = next(o for o in range(6000) if o not in set(offsets))
    again = dump(name, f"seek:{name}/0={gap}", until="end", max_rows_per_trigger=5, refresh="true")
    assert [row["o"] for row in again.rows] == [o for o in offsets if o > gap]


def test_goes_on_from_a_position_without_gap_or_repeat(dump, server, topic):
    send(server, topic, numbered(0, range(3000)) + numbered(1, range(3000, 6000)))
    positions, ids = {f"{topic}/0": 0, f"{topic}/1": 0}, []
    for _ in range(30):
        words = [f"seek:{name}={offset}" for name, offset in positions.items()]
        got = dump(topic, *words, until="end", rows=700, chunk_bytes=3000)
        ids += got.ids()
        positions = got.end["positions"]
        if got.end["finished"]:
            break
    assert sorted(ids) == list(range(6000))


def test_stops_at_the_end_it_found_at_start(dump, server, topic):
    send(server, topic, numbered(0, range(10)))
    got = dump(topic, until="now", starting_offsets="earliest")
    assert got.ids() == list(range(10)) and got.end["finished"]
    send(server, topic, numbered(0, range(10, 20)))
    got = dump(topic, f"seek:{topic}/0=10", f"seek:{topic}/1=0", until="now")
    assert got.ids() == list(range(10, 20))


def test_finds_new_partitions_from_their_start(dump_program, server, topic, client):
    send(server, topic, numbered(0, range(10)))
    process = subprocess.Popen(
        [dump_program, f"bootstrap_servers={server.address}", f"topic={topic}", f"client={client}", "until=stopped", "refresh=true",
         "refresh_interval=200ms", "starting_offsets=latest", "seconds=60", "rows=15"],
        stdout=subprocess.PIPE, text=True)
    try:
        assert json.loads(process.stdout.readline()) == {"begun": True}  # From here on: what was there is known.
        admin = AdminClient({"bootstrap.servers": server.address})
        admin.create_partitions([NewPartitions(topic, 3)])[topic].result(120)
        time.sleep(1)
        send(server, topic, numbered(2, range(100, 110)) + numbered(0, range(10, 15)))
        output, _ = process.communicate(timeout=300)
    finally:
        process.kill()
    got = Dump(output, process.returncode)
    assert got.ids(2) == list(range(100, 110))
    assert got.ids(0) == list(range(10, 15))


def test_names_the_gap_when_records_are_gone(dump, server, topic):
    send(server, topic, numbered(0, range(100)))
    admin = AdminClient({"bootstrap.servers": server.address})
    wish = TopicPartition(topic, 0, 60)
    admin.delete_records([wish])[wish].result(120)
    got = dump(topic, f"seek:{topic}/0=10", f"seek:{topic}/1=0", until="end")
    assert got.code == 1 and got.error["code"] == "does not exist"
    assert got.error["error"] == f'topic "{topic}", partition 0: offset 10 is gone; available are 60 .. 100'
    assert "fail_on_data_loss" in got.error["hint"]
    got = dump(topic, f"seek:{topic}/0=10", f"seek:{topic}/1=0", until="end", fail_on_data_loss="false")
    assert got.ids() == list(range(60, 100))
    got = dump(topic, until="end", starting_offsets="earliest")
    assert got.ids() == list(range(60, 100))
    # Behind the end: the topic is not the one that was read.
    got = dump(topic, f"seek:{topic}/0=101", f"seek:{topic}/1=0", until="end")
    assert got.error["error"].endswith("offset 101 is gone; available are 60 .. 100")


def test_names_the_gap_when_records_go_while_it_runs(dump_program, server, topic, client):
    """Retention overtakes a slow reader: the queue is drained, then the next fetch is out of range."""
    value = b'{"id":1,"v":"' + b"x" * 9000 + b'"}'
    send(server, topic, [(0, value, {})] * 3000)
    process = subprocess.Popen(
        [dump_program, f"bootstrap_servers={server.address}", f"topic={topic}", f"client={client}", "until=stopped", "starting_offsets=earliest",
         "max_rate_per_partition=50", "kafka.queued.max.messages.kbytes=200", "kafka.fetch.message.max.bytes=100000",
         "kafka.queued.min.messages=10", "seconds=60"],
        stdout=subprocess.PIPE, text=True)
    try:
        output = "".join(process.stdout.readline() for _ in range(51))
        admin = AdminClient({"bootstrap.servers": server.address})
        wish = TopicPartition(topic, 0, 2990)
        admin.delete_records([wish])[wish].result(120)
        output += process.stdout.read()
        process.wait(60)
    finally:
        process.kill()
    got = Dump(output, process.returncode)
    assert 50 <= len(got.rows) < 2990
    following = got.rows[-1]["o"] + 1
    assert got.error["error"] == (f'topic "{topic}", partition 0: offset {following} is gone; '
                                  f"available are 2990 .. 3000")


def test_keeps_to_its_limits(dump, server, topic):
    send(server, topic, numbered(0, range(2000)) + numbered(1, range(2000, 4000)))
    begun = time.monotonic()
    got = dump(topic, until="end", starting_offsets="earliest", max_rate_per_partition=700)
    assert sorted(got.ids()) == list(range(4000))
    assert 1.8 < time.monotonic() - begun < 240
    got = dump(topic, until="end", starting_offsets="earliest", max_rows_per_trigger=150, seconds=6)
    assert len(got.rows) == 150 and not got.end["finished"]  # No epoch ended: no more may come.
    got = dump(topic, until="end", starting_offsets="earliest", max_rows_per_trigger=1500, refresh="true")
    assert sorted(got.ids()) == list(range(4000))


def test_makes_a_missing_topic(dump, server):
    name = f"made-{uuid.uuid4().hex[:8]}"
    got = dump(name, until="now", partitions=5, topic_config="retention.ms=1234567, cleanup.policy=compact")
    assert got.code == 0 and len(got.end["positions"]) == 5
    metadata = AdminClient({"bootstrap.servers": server.address}).list_topics(name, timeout=60)
    assert len(metadata.topics[name].partitions) == 5
    got = dump("../../etc", until="now")
    assert got.error["error"] == '"../../etc" cannot be the name of a topic'


def test_makes_a_record_over_the_cap_bad(dump, server, topic):
    send(server, topic, numbered(0, [1]) + [(0, b'{"id":2,"v":"' + b"x" * 300000 + b'"}', {})] + numbered(0, [3]))
    got = dump(topic, until="end", starting_offsets="earliest", max_record_bytes=100000)
    assert got.ids() == [1, 3]
    assert [(bad["o"], bad["bytes"]) for bad in got.bad] == [(1, 4096)]
    assert got.bad[0]["reason"] == "too_long: 300015 bytes, over 100000"
    got = dump(topic, until="end", starting_offsets="earliest", chunk_bytes=1000)
    assert got.ids() == [1, 2, 3] and len(got.rows[1]["v"]) == 300000


def test_shows_its_offsets_in_a_group(dump, server, topic):
    send(server, topic, numbered(0, range(10)))
    dump(topic, until="stopped", starting_offsets="earliest", rows=10, seconds=60)
    consumer = Consumer({"bootstrap.servers": server.address, "group.id": "millrace-dump"})
    wait_until(lambda: consumer.committed([TopicPartition(topic, 0)], timeout=60)[0].offset == 10, 10, "the offset")
    consumer.close()


def test_says_which_broker_is_down(dump):
    port = free_ports(1)[0]
    begun = time.monotonic()
    got = dump("events", address=f"127.0.0.1:{port}", until="end", connect_timeout="2 seconds")
    assert got.code == 1 and got.error["code"] == "network error"
    assert got.error["error"].startswith(f"cannot reach Kafka at 127.0.0.1:{port}: ")
    assert "Connection refused" in got.error["error"]
    assert time.monotonic() - begun < 240


def test_refuses_properties_that_are_not_the_users(dump, topic):
    got = dump(topic, "kafka.auto.offset.reset=latest", until="end")
    assert got.error["error"] == 'Kafka property "auto.offset.reset" cannot be set'
    got = dump(topic, "kafka.no.such.thing=1", until="end")
    assert got.error["error"] == 'unknown Kafka property "no.such.thing"'
    got = dump(topic, "kafka.fetch.wait.max.ms=fast", until="end")
    assert got.error["error"] == 'bad value "fast" for Kafka property "fetch.wait.max.ms"'
    got = dump(topic, starting_offsets="yesterday", until="end")
    assert got.error["error"] == 'malformed starting_offsets "yesterday"'


def test_chooses_the_client_that_knows_the_settings(dump_program, server, topic):
    """By itself: what our own client does not know goes to librdkafka, unless that is forbidden."""
    send(server, topic, numbered(0, range(5)))
    given = [dump_program, f"bootstrap_servers={server.address}", f"topic={topic}", "until=end",
             "starting_offsets=earliest", "kafka.socket.receive.buffer.bytes=65536"]
    for words, ids, error in [
        ([], [0, 1, 2, 3, 4], None),
        (["client=librdkafka"], [0, 1, 2, 3, 4], None),
        (["client=native"], [], 'the native client does not know Kafka property "socket.receive.buffer.bytes"'),
    ]:
        done = subprocess.run(given + words, stdout=subprocess.PIPE, text=True, timeout=300)
        got = Dump(done.stdout, done.returncode)
        assert got.ids() == ids and (got.error or {"error": None})["error"] == error


def test_notices_that_the_topic_is_another_one(dump_program, server, topic):
    """Deleted and made again under the same name while it is read: its offsets mean other records."""
    send(server, topic, numbered(0, range(10)))
    process = subprocess.Popen(
        [dump_program, f"bootstrap_servers={server.address}", f"topic={topic}", "until=stopped", "client=native",
         "starting_offsets=earliest", "seconds=60", "refresh=true"], stdout=subprocess.PIPE, text=True)
    try:
        output = "".join(process.stdout.readline() for _ in range(11))
        server.delete_topic(topic)
        time.sleep(1)
        server.create_topic(topic, partitions=2)
        send(server, topic, numbered(0, range(100, 150)))
        output += process.stdout.read()
        process.wait(60)
    finally:
        process.kill()
    got = Dump(output, process.returncode)
    assert got.ids() == list(range(10))
    assert "was deleted and made again" in got.error["error"] and got.error["code"] == "does not exist"


def test_goes_on_when_the_broker_comes_back(dump_program, tmp_path):
    server = KafkaServer(heap="256m").start()
    readers, outs = [], [tmp_path / "native", tmp_path / "librdkafka"]
    try:
        server.create_topic("events", partitions=1)
        send(server, "events", numbered(0, range(100)))
        for out in outs:
            with open(out, "w", encoding="utf-8") as file:
                readers.append(subprocess.Popen(
                    [dump_program, f"bootstrap_servers={server.address}", "topic=events", f"client={out.name}", "until=stopped",
                     "refresh=true", "starting_offsets=earliest", "seconds=250", "rows=200"], stdout=file))
        wait_until(lambda: all(out.stat().st_size > 0 for out in outs), 60, "the first rows")
        server.process.kill()
        server.process.wait()
        time.sleep(3)
        with open(server.path("server.log"), "ab") as log:
            server.process = subprocess.Popen(server._java("kafka.Kafka", server.path("server.properties")),
                                              stdout=log, stderr=log, start_new_session=True)
        server._wait(300)
        send(server, "events", numbered(0, range(100, 200)))
        for reader in readers:
            reader.wait(280)
    finally:
        for reader in readers:
            reader.kill()
        server.stop()
    for reader, out in zip(readers, outs):
        got = Dump(out.read_text(), reader.returncode)
        assert got.ids() == list(range(200)), out.name
        assert got.end["positions"]["events/0"] == 200
