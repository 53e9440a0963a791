"""The embedded broker with stock clients: round trips, restarts, kills, and clients that misbehave."""

import json
import math
import os
import random
import re
import resource
import select
import socket
import struct
import subprocess
import threading
import time

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from broker_server import MILLRACE, Broker, Wire, java, kcat, wait_until
from conftest import size

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
API_VERSIONS, METADATA, PRODUCE, FETCH, INIT_PRODUCER_ID = 18, 3, 0, 1, 22


@pytest.fixture(scope="module")
def broker():
    with Broker() as one:
        yield one


@pytest.fixture
def topic(request):
    return re.sub(r"[^a-zA-Z0-9._-]", "-", request.node.name)[:200]


def need_producer_ids(broker):
    """Skips a test of clients that are idempotent by default while no producer ids are given out."""
    with Wire(broker.port) as wire:
        wire.send(API_VERSIONS, 0)
        if INIT_PRODUCER_ID not in api_versions(wire.answer()[1])[1]:
            pytest.skip("the broker gives out no producer ids yet")


def produce(broker, topic, values, keys=None, **settings):
    """Sends and waits for all; returns (partition, offset, value) of those that were acknowledged."""
    acked = []

    def delivered(error, message):
        if error is None:
            acked.append((message.partition(), message.offset(), message.value()))

    producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 5, **settings})
    for i, value in enumerate(values):
        while True:
            try:
                producer.produce(topic, value, key=None if keys is None else keys[i], on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.05)
        producer.poll(0)
    left = producer.flush(240)
    assert left == 0, f"{left} records were not sent"
    return acked


def consume(broker, topic, count=None, **settings):
    """(partition, offset, value) of a whole topic, from its beginning to its end."""
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "none", "enable.auto.commit": False,
                         "auto.offset.reset": "earliest", "enable.partition.eof": True, **settings})
    parts = consumer.list_topics(topic, 60).topics[topic].partitions
    ends = {p: consumer.get_watermark_offsets(TopicPartition(topic, p), 60)[1] for p in parts}
    consumer.assign([TopicPartition(topic, p, 0) for p in parts])
    got, deadline = [], time.monotonic() + 240
    left = {p for p, end in ends.items() if end > 0}
    while left:
        assert time.monotonic() < deadline, f"{len(got)} records of {ends}"
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error():
            left.discard(message.partition())
            continue
        got.append((message.partition(), message.offset(), message.value()))
        if message.offset() + 1 >= ends[message.partition()]:
            left.discard(message.partition())
    consumer.close()
    assert count is None or len(got) == count
    return got


# ---- round trips -----------------------------------------------------------------------------------------


def test_kcat_produces_to_a_topic_that_it_makes_and_reads_it_back(broker, topic):
    lines = [f"line {i}" for i in range(1000)]
    kcat("-b", broker.address, "-P", "-t", topic, stdin="\n".join(lines).encode())
    listing = json.loads(kcat("-b", broker.address, "-L", "-J", "-t", topic))
    assert [t["topic"] for t in listing["topics"]] == [topic]
    assert len(listing["topics"][0]["partitions"]) == 4
    assert listing["brokers"] == [{"id": 1, "name": broker.address}]
    got = kcat("-b", broker.address, "-C", "-t", topic, "-e", "-q").decode().splitlines()
    assert sorted(got) == sorted(lines)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_every_compression_and_acks_comes_back_as_it_went(broker, topic, codec, acks):
    values = [(f"{i}:" + "abc" * (i % 50)).encode() for i in range(3000)]
    acked = produce(broker, topic, values, **{"compression.type": codec, "acks": acks, "enable.idempotence": False})
    assert len(acked) == len(values)
    wait_until(lambda: sum(end(broker, topic, p) for p in range(4)) == len(values))
    got = consume(broker, topic, len(values))
    assert sorted(v for _, _, v in got) == sorted(values)
    if acks != "0":
        assert sorted(got) == sorted(acked)


def end(broker, topic, partition):
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "none"})
    high = consumer.get_watermark_offsets(TopicPartition(topic, partition), 60)[1]
    consumer.close()
    return high


def test_idempotent_producer_with_many_in_flight(broker, topic):
    need_producer_ids(broker)
    values = [b"%d" % i for i in range(20000)]
    acked = produce(broker, topic, values, keys=[b"k%d" % (i % 7) for i in range(len(values))],
                    **{"enable.idempotence": True, "batch.num.messages": 100, "linger.ms": 0})
    assert len(acked) == len(values)
    got = consume(broker, topic, len(values))
    assert sorted(got) == sorted(acked)
    by_partition = {}
    for p, _, value in got:
        by_partition.setdefault(p, []).append(int(value))
    assert all(numbers == sorted(numbers) for numbers in by_partition.values())


def test_large_and_too_large_messages(broker, topic):
    big = os.urandom(900_000)
    producer = {"message.max.bytes": 4_000_000}
    assert len(produce(broker, topic, [big, b"small", big], **producer)) == 3
    # Over the topic's max.message.bytes: refused, and the next one is taken.
    failed = []
    p = Producer({"bootstrap.servers": broker.address, **producer})
    p.produce(topic, os.urandom(2_000_000), on_delivery=lambda e, m: failed.append(e))
    p.flush(120)
    assert failed[0] is not None and failed[0].name() == "MSG_SIZE_TOO_LARGE"
    # A consumer that asks for less than the first batch gets it nevertheless.
    got = consume(broker, topic, 3, **{"fetch.message.max.bytes": 1000, "fetch.max.bytes": 1000,
                                      "message.max.bytes": 1000})
    assert sorted(v for _, _, v in got) == sorted([big, b"small", big])


def test_offsets_by_time_and_at_both_ends(broker, topic):
    admin = AdminClient({"bootstrap.servers": broker.address})  # Records of 1970 are deleted as soon as it is looked.
    admin.create_topics([NewTopic(topic, 1, config={"retention.ms": "-1"})])[topic].result(60)
    producer = Producer({"bootstrap.servers": broker.address})
    for i in range(100):
        producer.produce(topic, b"%d" % i, partition=0, timestamp=1_000_000 + i * 1000)
        if i % 10 == 9:
            assert producer.flush(60) == 0
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "none"})
    assert consumer.get_watermark_offsets(TopicPartition(topic, 0), 60) == (0, 100)
    for time_ms, offset in ((0, 0), (1_000_000, 0), (1_000_001, 1), (1_055_000, 55), (1_055_500, 56), (1_099_000, 99)):
        found = consumer.offsets_for_times([TopicPartition(topic, 0, time_ms)], 60)
        assert found[0].offset == offset, (time_ms, found)
    assert consumer.offsets_for_times([TopicPartition(topic, 0, 9_999_999)], 60)[0].offset == -1
    consumer.close()


def test_a_fetch_waits_until_there_is_something(broker, topic):
    produce(broker, topic, [b"first"], **{"partitioner": "consistent"})
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "none", "fetch.wait.max.ms": 50000})
    consumer.assign([TopicPartition(topic, p, 0) for p in range(4)])
    assert consumer.poll(30).value() == b"first"
    assert consumer.poll(0.3) is None
    begun = time.monotonic()
    threading.Timer(0.2, lambda: produce(broker, topic, [b"second"])).start()
    assert consumer.poll(30).value() == b"second"
    assert time.monotonic() - begun < 20
    consumer.close()


def test_kafka_python_both_ways(broker, topic):
    from kafka import KafkaConsumer, KafkaProducer
    from kafka import TopicPartition as Part
    producer = KafkaProducer(bootstrap_servers=broker.address, acks="all", linger_ms=5, enable_idempotence=False)
    sent = [producer.send(topic, b"v%d" % i, key=b"k%d" % i, headers=[("h", b"x")]) for i in range(500)]
    places = {(f.get(120).partition, f.get(120).offset) for f in sent}
    producer.close()
    assert len(places) == 500
    consumer = KafkaConsumer(bootstrap_servers=broker.address, enable_auto_commit=False, auto_offset_reset="earliest",
                             consumer_timeout_ms=120_000)
    consumer.assign([Part(topic, p) for p in range(4)])
    got = {}
    for message in consumer:
        got[message.partition, message.offset] = message
        if len(got) == 500:
            break
    assert set(got) == places
    assert all(m.headers == [("h", b"x")] and m.key[1:] == m.value[1:] for m in got.values())
    consumer.close()


def test_console_tools_of_kafka(broker, topic):
    lines = [f"k{i}\tvalue {i}" for i in range(2000)]
    done = java("kafka.tools.ConsoleProducer", "--bootstrap-server", broker.address, "--topic", topic,
                "--property", "parse.key=true", "--producer-property", "enable.idempotence=false",
                stdin="\n".join(lines).encode())
    assert done.returncode == 0 and b"ERROR" not in done.stderr, done.stderr.decode()
    got = kcat("-b", broker.address, "-C", "-t", topic, "-e", "-q", "-f", "%k\t%s\n").decode().splitlines()
    assert sorted(got) == sorted(lines)
    zero = kcat("-b", broker.address, "-C", "-t", topic, "-p", "0", "-e", "-q").decode().splitlines()
    done = java("org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", broker.address, "--topic", topic,
                "--partition", "0", "--offset", "earliest", "--max-messages", str(len(zero)), "--timeout-ms", "60000")
    assert done.stdout.decode().splitlines() == zero, done.stderr.decode()
    done = java("org.apache.kafka.tools.GetOffsetShell", "--bootstrap-server", broker.address, "--topic", topic)
    counts = [int(line.rsplit(":", 1)[1]) for line in done.stdout.decode().split()]
    assert sum(counts) == 2000, done.stderr.decode()


# ---- what survives ---------------------------------------------------------------------------------------


def test_a_restart_keeps_everything():
    with Broker() as broker:
        acked = produce(broker, "kept", [b"%d" % i for i in range(5000)])
        cluster = AdminClient({"bootstrap.servers": broker.address}).list_topics(timeout=120).cluster_id
        assert re.fullmatch(r"[A-Za-z0-9_-]{22}", cluster)
        with open(os.path.join(broker.data, "broker", "address"), encoding="ascii") as file:
            assert file.read() == broker.address + "\n"
        assert broker.stop() == 0
        assert not os.path.exists(os.path.join(broker.data, "broker", "address"))
        broker.start()
        assert sorted(consume(broker, "kept", 5000)) == sorted(acked)
        assert AdminClient({"bootstrap.servers": broker.address}).list_topics(timeout=120).cluster_id == cluster
        more = produce(broker, "kept", [b"more"])
        assert sorted(consume(broker, "kept", 5001)) == sorted(acked + more)


@pytest.mark.parametrize("durability", ["fsync", "kafka"])
def test_kill_9_keeps_what_was_acknowledged(durability):
    rounds = size(4, 40)
    with Broker(settings=[f"broker.durability={durability}"]) as broker:
        acked, numbers = [], iter(range(10**9))
        for n in range(rounds):
            producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 1, "acks": "all",
                                 "message.timeout.ms": 8000, "socket.timeout.ms": 3000, "log_level": 0})

            def delivered(error, message):
                if error is None:
                    acked.append((message.partition(), message.offset(), message.value()))

            until = time.monotonic() + 0.3 + random.random() * 0.5
            killer = threading.Timer(until - time.monotonic(), broker.kill)
            killer.start()
            while time.monotonic() < until + 0.1:
                producer.produce("kept", b"%d" % next(numbers), on_delivery=delivered)
                producer.poll(0)
                time.sleep(0.0002)
            killer.join()
            broker.start()
            producer.flush(120)
            got = set(consume(broker, "kept"))
            missing = set(acked) - got
            assert not missing, f"round {n}: {len(missing)} of {len(acked)} lost: {sorted(missing)[:5]}"
        assert len(acked) > 20 * rounds
        assert len({(p, o) for p, o, _ in acked}) == len(acked)


def test_a_second_broker_on_the_same_data_is_refused(broker):
    done = subprocess.run([MILLRACE, "broker", "--data", broker.data, "-c", "broker.listen=127.0.0.1:0"],
                          capture_output=True, timeout=120, check=False)
    assert done.returncode == 1
    assert b"lock" in done.stderr and str(broker.process.pid).encode() in done.stderr, done.stderr


# ---- settings --------------------------------------------------------------------------------------------


def refused(*settings):
    args = [MILLRACE, "broker", "--data", os.devnull]
    for setting in settings:
        args += ["-c", setting]
    done = subprocess.run(args, capture_output=True, timeout=120, check=False)
    assert done.returncode == 2, done
    return done.stderr.decode()


def test_listening_beyond_this_machine_needs_consent():
    error = refused("broker.listen=0.0.0.0:0")
    assert 'listener "0.0.0.0:0" can be reached from other machines and has no security' in error
    assert "insecure" in error
    with Broker(settings=["broker.insecure=true"], host="0.0.0.0") as broker:
        # It listens everywhere and is told to clients as what they have dialled.
        dialled = f"127.0.0.1:{broker.port}"
        listing = json.loads(kcat("-b", dialled, "-L", "-J"))
        assert listing["brokers"] == [{"id": 1, "name": dialled}]


def test_bad_settings_are_named():
    assert "auto_create_topics" in refused("broker.auto_create_topics=maybe")
    assert "no port" in refused("broker.listen=127.0.0.1")
    assert "num_partition" in refused("broker.num_partition=3")
    assert "no setting" in refused("brokers.listen=127.0.0.1:1")


def test_an_advertised_address_and_no_auto_creation():
    with Broker(settings=["broker.advertise=kafka.example.org:19092", "broker.auto_create_topics=false"]) as broker:
        listing = json.loads(kcat("-b", broker.address, "-L", "-J", "-t", "nowhere"))
        assert listing["brokers"] == [{"id": 1, "name": "kafka.example.org:19092"}]
        assert "error" in listing["topics"][0] and not listing["topics"][0]["partitions"]


# ---- the protocol ----------------------------------------------------------------------------------------


def api_versions(frame):
    """(error, {key: (min, max)}) of an answer of version 0."""
    error, count = struct.unpack(">hi", frame[:6])
    rows = [struct.unpack_from(">hhh", frame, 6 + 6 * i) for i in range(count)]
    return error, {key: (low, high) for key, low, high in rows}


def test_api_versions_of_the_future_is_answered_in_the_oldest_form(broker):
    with Wire(broker.port) as wire:
        wire.send(API_VERSIONS, 99)
        correlation, frame = wire.answer()
        assert correlation == 1 and api_versions(frame) == (35, {API_VERSIONS: (0, 4)})
        wire.send(API_VERSIONS, 0)
        error, keys = api_versions(wire.answer()[1])
        # What librdkafka before 2.11 looks for before it uses a feature.
        assert error == 0 and keys[PRODUCE][0] == 0 and keys[FETCH][0] <= 4 and keys[METADATA][0] == 0


def test_a_request_that_was_not_offered_ends_the_connection_with_a_reason(broker):
    for key, version in ((PRODUCE, 1), (METADATA, 77), (999, 0), (-5, 0), (METADATA, -1)):
        with Wire(broker.port) as wire:
            wire.send(key, version, client=b"old-appliance")
            assert wire.closed()
    said = "produce (key 0) of version 1 is not served; client \"old-appliance\""
    wait_until(lambda: said in broker.log(), what=said)


def test_answers_come_in_the_order_of_the_requests(broker):
    with Wire(broker.port) as wire:
        frames = b""
        for i in range(200):
            head = struct.pack(">hhih", API_VERSIONS, i % 3, 1000 + i, 1) + b"x"
            frames += struct.pack(">i", len(head)) + head
        wire.raw(frames)
        assert [wire.answer()[0] for _ in range(200)] == list(range(1000, 1200))


def test_frames_that_come_byte_by_byte(broker):
    with Wire(broker.port) as wire:
        head = struct.pack(">hhih", API_VERSIONS, 0, 7, 1) + b"x"
        for byte in struct.pack(">i", len(head)) + head:
            wire.raw(bytes([byte]))
            time.sleep(0.005)
        assert wire.answer()[0] == 7


@pytest.mark.parametrize("data,words", [
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "speaks HTTP"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "begins with TLS"),
    (b"\xff\xff\xff\xff" + b"x" * 20, "a request of -1 bytes"),
    (b"\x80\x00\x00\x00", "a request of -2147483648 bytes"),
    (b"\x00\x00\x00\x00", "a request of 0 bytes"),
    (b"\x7f\xff\xff\xff", "over the limit"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "over the limit"),
    (struct.pack(">ihhih", 10, 18, 0, 1, 500), "damaged Kafka message"),
])
def test_what_is_not_kafka_is_closed_with_a_reason(broker, data, words):
    with Wire(broker.port) as wire:
        wire.raw(data)
        assert wire.closed()
    wait_until(lambda: words in broker.log(), what=words)
    assert broker.alive()


def test_random_bytes_and_damaged_frames_harm_nobody(broker, topic):
    seed = int(os.environ.get("SEED", "7"))
    rng = random.Random(seed)
    produce(broker, topic, [b"before"])
    kept = captured_frames(broker)
    for i in range(size(300, 20000)):
        with Wire(broker.port, timeout=0.2) as wire:
            frame = bytearray(rng.choice(kept))
            for _ in range(rng.choice((1, 1, 2, 5, 20))):
                frame[rng.randrange(4 if i % 3 else 0, len(frame))] = rng.choice((0, 255, 127, 128, rng.randrange(256)))
            if i % 10 == 0:
                frame = bytearray(rng.randbytes(rng.randrange(1, 300)))
            if i % 7 == 0:
                frame = frame[:rng.randrange(1, len(frame) + 1)]
            try:
                wire.raw(bytes(frame))
                if i % 2:
                    wire.socket.shutdown(socket.SHUT_WR)
                wire.socket.recv(100)
            except OSError:
                pass
        assert broker.alive(), f"seed {seed}, frame {i}: {broker.log()[-2000:]}"
    produce(broker, topic, [b"after"])
    assert b"after" in [v for _, _, v in consume(broker, topic)]


def captured_frames(broker):
    """What a real client sends: a proxy in between keeps its frames."""
    kept = []
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def pump(source, target, keep):
        waiting = b""
        while True:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            if not data:
                break
            target.sendall(data)
            waiting += data
            while keep is not None and len(waiting) >= 4 and len(waiting) >= 4 + struct.unpack(">i", waiting[:4])[0]:
                length = 4 + struct.unpack(">i", waiting[:4])[0]
                keep.append(waiting[:length])
                waiting = waiting[length:]

    def serve():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", broker.port))
            threading.Thread(target=pump, args=(client, server, kept), daemon=True).start()
            threading.Thread(target=pump, args=(server, client, None), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    # The broker tells the client what it dialled, which is the proxy's address only for the first connection.
    proxy = f"127.0.0.1:{port}"
    for args in (("-L",), ("-L", "-X", "api.version.request=false", "-X", "broker.version.fallback=0.10.0")):
        subprocess.run(["kcat", "-b", proxy, *args], capture_output=True, timeout=120, check=False)
    listener.close()
    records = bytes.fromhex("00000000000000000000003c00000000020000000000000000000000000000000000000000000000ffffffffffffffffffffffffffff00000001140000000108610000")
    body = struct.pack(">hhih", -1, 1, 1000, 1)[0:2] + struct.pack(">hii", 1, 1000, 1) + struct.pack(">h", 4) + b"fuzz" + \
        struct.pack(">ii", 1, 0) + struct.pack(">i", len(records)) + records
    head = struct.pack(">hhih", PRODUCE, 3, 9, 1) + b"x"
    kept.append(struct.pack(">i", len(head + body)) + head + body)
    fetch = struct.pack(">iiiib", -1, 10, 1, 1 << 20, 0) + struct.pack(">i", 1) + struct.pack(">h", 4) + b"fuzz" + \
        struct.pack(">i", 1) + struct.pack(">iqi", 0, 0, 1 << 20)
    head = struct.pack(">hhih", FETCH, 4, 10, 1) + b"x"
    kept.append(struct.pack(">i", len(head + fetch)) + head + fetch)
    assert len(kept) >= 4
    return kept


# ---- clients that are many, slow or silent -----------------------------------------------------------------


def cpu_at_rest(broker, seconds=2):
    """CPU seconds in the quietest of some moments: what was busy comes to rest."""
    least = math.inf
    for _ in range(5):
        before = broker.cpu_seconds()
        time.sleep(seconds)
        least = min(least, broker.cpu_seconds() - before)
        if least == 0:
            break
    return least


def test_idle_connections_cost_nothing(broker):
    # Two descriptors a connection: one here, one there. 10,000 where the machine's limit allows it.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(10_000, hard - 500)
    resident = broker.resident_bytes()
    wires = []
    try:
        for _ in range(count):
            wires.append(Wire(broker.port))
        for wire in random.Random(1).sample(wires, 100):
            wire.send(API_VERSIONS, 0)
            assert wire.answer()[0] == 1
        assert cpu_at_rest(broker) <= 0.02, "idle connections take time"
        grown = broker.resident_bytes() - resident
        assert grown < count * 1500 + (4 << 20), f"{count} idle connections take {grown} bytes"
        with Wire(broker.port) as wire:
            wire.send(API_VERSIONS, 0)
            assert wire.answer()[0] == 1
    finally:
        for wire in wires:
            wire.close()


def test_a_silent_connection_is_closed_in_time():
    with Broker(settings=["broker.idle_timeout=5 s"]) as broker, Wire(broker.port) as idle, Wire(broker.port) as busy:
        end = time.monotonic() + 60
        while not select.select([idle.socket], [], [], 0.1)[0]:
            assert time.monotonic() < end
            busy.send(API_VERSIONS, 0)
            busy.answer()
        assert idle.closed()
        busy.send(API_VERSIONS, 0)
        busy.answer()


def test_connections_over_the_limit_are_refused_and_the_others_live():
    with Broker(settings=["broker.connections_max=5"]) as broker:
        wires = [Wire(broker.port) for _ in range(5)]
        for wire in wires:
            wire.send(API_VERSIONS, 0)
            wire.answer()
        with Wire(broker.port) as sixth:
            assert sixth.closed()
        wait_until(lambda: "refused a connection" in broker.log(), what="a line about the sixth")
        wires.pop().close()

        def room():
            with Wire(broker.port) as wire:
                wire.send(API_VERSIONS, 0)
                try:
                    return wire.answer()[0] == 1
                except (EOFError, ConnectionResetError):
                    return False
        wait_until(room)
        for wire in wires:
            wire.close()


def test_a_client_that_does_not_read_holds_up_nobody(broker, topic):
    produce(broker, topic, [os.urandom(50_000) for _ in range(400)])
    resident = broker.resident_bytes()
    wires = []
    for _ in range(20):
        wire = Wire(broker.port)
        wires.append(wire)
        for partition in range(4):
            fetch = struct.pack(">iiiib", -1, 10, 1, 50 << 20, 0) + struct.pack(">i", 1) + \
                struct.pack(">h", len(topic)) + topic.encode() + struct.pack(">i", 1) + \
                struct.pack(">iqi", partition, 0, 50 << 20)
            wire.send(FETCH, 4, fetch)
    time.sleep(0.5)
    assert len(consume(broker, topic)) == 400
    # Their answers wait in the page cache, not in the broker.
    assert broker.resident_bytes() - resident < 8 << 20
    # One of them wakes up and gets all that it asked for, in order.
    sizes = [len(wires[0].answer()[1]) for _ in range(4)]
    assert sum(sizes) > 400 * 50_000
    for wire in wires:
        wire.close()


def test_memory_stays_bounded_while_many_large_requests_come_slowly():
    with Broker(settings=["broker.queue_bytes_max=4MiB"]) as broker:
        wires = [Wire(broker.port, timeout=30) for _ in range(60)]
        part = struct.pack(">i", 50 << 20) + struct.pack(">hhih", PRODUCE, 3, 1, 1) + b"x" + bytes(300_000)

        def push(wire):
            wire.socket.setblocking(False)
            sent = 0
            try:
                while sent < len(part):
                    sent += wire.socket.send(part[sent:])
            except BlockingIOError:
                pass

        for wire in wires:
            push(wire)
        time.sleep(1)
        assert broker.resident_bytes() < 60 << 20
        for wire in wires:
            wire.close()
        with Wire(broker.port) as wire:
            wire.send(API_VERSIONS, 0)
            assert wire.answer()[0] == 1


def test_a_client_that_half_closes_gets_its_answer(broker):
    with Wire(broker.port) as wire:
        wire.send(API_VERSIONS, 0)
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.answer()[0] == 1
        assert wire.closed()


def test_stopping_answers_what_is_at_work(topic):
    with Broker() as broker:
        done = []
        producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 0, "message.timeout.ms": 5000,
                             "log_level": 0})
        for i in range(2000):
            producer.produce(topic, b"%d" % i, on_delivery=lambda e, m: done.append((e, m.partition(), m.offset(), m.value())))
            producer.poll(0)
        assert broker.stop() == 0
        producer.flush(10)
        broker.start()
        got = set(consume(broker, topic)) if any(e is None for e, *_ in done) else set()
        missing = {tuple(d[1:]) for d in done if d[0] is None} - got
        assert not missing


def test_start_is_quick_and_idle_is_small():
    with Broker() as broker:
        took = []
        while not took or min(took) >= size(1.0, 0.3):  # The machine may be busy at one moment, not at all.
            assert len(took) < 10, took
            assert broker.stop() == 0
            begun = time.monotonic()
            broker.start()
            with Wire(broker.port) as wire:
                wire.send(API_VERSIONS, 0)
                wire.answer()
            took.append(time.monotonic() - begun)
        assert cpu_at_rest(broker) <= 0.01
        assert broker.resident_bytes() < 25 << 20
