"""Consumer groups of the embedded broker: stock clients and tools, storms of members, kills.

What kafka-consumer-groups prints is compared with golden_groups/tool.txt, which a real Apache Kafka 3.9
wrote: MILLRACE_SOAK=1 asks Kafka again and compares that too, UPDATE=1 writes the file anew from it.
Without either only a few of its commands are run, since each takes a second.
"""

import asyncio
import contextlib
import os
import random
import re
import subprocess
import threading
import time

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from kafka import KafkaConsumer
from kafka.errors import KafkaError as KafkaPythonError

import groups_cases as cases
import kafka_server
from broker_server import Broker
from conftest import SOAK, size, wait_until

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden_groups", "tool.txt")


def make(broker, topic):
    """A topic of as many partitions as the broker gives."""
    Producer({"bootstrap.servers": broker.address}).list_topics(topic, 120)


def describe(broker, group):
    admin = AdminClient({"bootstrap.servers": broker.address})
    return admin.describe_consumer_groups([group])[group].result(120)


@pytest.fixture
def broker():
    with Broker(settings=["broker.num_partitions=4"]) as made:
        yield made


# ---- the tool ----------------------------------------------------------------------------------------


def printed(address, tmp_path, quick=False):
    return [f"$ {' '.join(args)}\nexit {code}\n" + "".join(f"{line}\n" for line in lines)
            for args, code, lines in cases.matrix(address, tmp_path, "x", quick)]


def test_the_tool_prints_what_it_prints_of_kafka(tmp_path):
    update = os.environ.get("UPDATE") == "1"
    if update or SOAK:
        kafka = kafka_server.KafkaServer().start()
        try:
            kafka.create_topic("x-orders", 3)
            kafka.create_topic("x-other", 3)
            got = printed(kafka.address, tmp_path)
        finally:
            kafka.stop()
        if update:
            os.makedirs(os.path.dirname(GOLDEN), exist_ok=True)
            with open(GOLDEN, "w", encoding="utf-8") as out:
                out.write("\n".join(got))
    with open(GOLDEN, encoding="utf-8") as golden:
        want = re.split(r"\n(?=\$ )", golden.read())
    if SOAK:
        assert got == want, "Kafka prints something else now: UPDATE=1"
    with Broker(settings=["broker.num_partitions=3"]) as broker:
        make(broker, "x-orders")
        make(broker, "x-other")
        ours = printed(broker.address, tmp_path, quick=not (update or SOAK))
        commands = {one.splitlines()[0] for one in ours}
        assert len(ours) >= 7
        assert ours == [one for one in want if one.splitlines()[0] in commands]


# ---- members that come and go ------------------------------------------------------------------------


class Worker(threading.Thread):
    """A member that lives for a while and commits what it has read; it notes every record it was given."""

    def __init__(self, address, group, topic, seconds, seen, config):
        super().__init__(daemon=True)
        self.args = (address, group, topic)
        self.seconds, self.seen, self.config, self.failed = seconds, seen, config, None
        self.ends = threading.Event()

    def run(self):
        address, group, topic = self.args
        try:
            consumer = Consumer({
                "bootstrap.servers": address, "group.id": group, "auto.offset.reset": "earliest",
                "enable.auto.commit": False, "session.timeout.ms": 10000, "heartbeat.interval.ms": 300,
                "log_level": 0, **self.config})
            consumer.subscribe([topic])
            end = time.monotonic() + self.seconds
            while time.monotonic() < end and not self.ends.is_set():
                for message in consumer.consume(50, 0.1):
                    if message.error() is None:
                        self.seen.append((message.partition(), message.offset()))
                try:
                    consumer.commit(asynchronous=False)
                except Exception as error:  # Of a rebalance: who has the partitions now commits them.
                    code = error.args[0].code()
                    assert code in (KafkaError._NO_OFFSET, KafkaError.REBALANCE_IN_PROGRESS,
                                    KafkaError.ILLEGAL_GENERATION, KafkaError.UNKNOWN_MEMBER_ID), error
            consumer.close()
        except Exception as error:
            self.failed = error


@pytest.mark.parametrize("strategy", ["range", "cooperative-sticky"])
def test_a_storm_of_members_reads_everything(broker, strategy):
    """20 members that join and leave at random: every record is read, and the group finds peace."""
    topic, group, partitions = "storm", "stormy", 4
    make(broker, topic)
    count = size(200, 5000)
    cases.fill(broker.address, topic, partitions, count)
    chance, seen, workers = random.Random(7), [], []
    config = {"partition.assignment.strategy": strategy}
    for _ in range(size(20, 60)):
        workers.append(Worker(broker.address, group, topic, chance.uniform(1, 6), seen, config))
        workers[-1].start()
        time.sleep(chance.uniform(0, 0.4))
    last = [Worker(broker.address, group, topic, 600, seen, config) for _ in range(3)]
    for worker in last:
        worker.start()
    for worker in workers:
        worker.join(240)

    def at_peace():
        now = describe(broker, group)
        owned = [(p.topic, p.partition) for m in now.members for p in m.assignment.topic_partitions]
        assert len(owned) == len(set(owned)), "a partition with two owners"
        return now.state.name == "STABLE" and len(now.members) == 3 and len(owned) == partitions

    wait_until(at_peace, 60, "three members to own all partitions")
    wait_until(lambda: cases.committed(broker.address, group, topic, partitions) == [count] * partitions,
               60, "all records to be committed")
    for worker in last:
        worker.ends.set()
        worker.join(240)
    assert [w.failed for w in workers + last if w.failed] == []
    assert set(seen) == {(p, o) for p in range(partitions) for o in range(count)}
    assert describe(broker, group).state.name == "EMPTY"


def test_a_static_member_comes_back_without_a_rebalance(broker):
    make(broker, "static")
    moves = []
    stays = cases.Member(broker.address, "statics", "static", **{"group.instance.id": "a"})
    stays.consumer.subscribe(["static"], on_assign=lambda _, p: moves.append(("+", len(p))),
                             on_revoke=lambda _, p: moves.append(("-", len(p))))
    stays.settle()
    goes = cases.Member(broker.address, "statics", "static", **{"group.instance.id": "b"})
    wait_until(lambda: shares(stays, goes) == [2, 2], 30, "two partitions each")
    del moves[:]
    goes.close()  # A static member does not say that it leaves.
    back = cases.Member(broker.address, "statics", "static", **{"group.instance.id": "b"})
    wait_until(lambda: shares(stays, back) == [2, 2], 30, "its partitions")
    for _ in range(20):
        stays.consumer.poll(0.05)
    assert moves == []
    twin = cases.Member(broker.address, "statics", "static", **{"group.instance.id": "b"})
    wait_until(lambda: shares(twin) and is_fenced(back.consumer), 30, "the fence")
    for member in (stays, back, twin):
        member.close()


def shares(*members):
    """How many partitions each has, after a poll of each."""
    for member in members:
        member.consumer.poll(0.05)
    return [len(member.consumer.assignment()) for member in members]


def is_fenced(consumer):
    message = consumer.poll(0.05)
    return message is not None and message.error() is not None and message.error().code() in (
        KafkaError._FATAL, KafkaError.FENCED_INSTANCE_ID)


# ---- kills -------------------------------------------------------------------------------------------


def test_a_kill_keeps_offsets_members_and_their_generation(broker):
    make(broker, "kept")
    cases.fill(broker.address, "kept", 4, 10)
    members = [cases.Member(broker.address, "keepers", "kept", **{"log_level": 0}) for _ in range(2)]
    wait_until(lambda: shares(*members) == [2, 2], 30, "two partitions each")
    ids = [m.consumer.memberid() for m in members]
    for life in range(3):
        for member in members:
            member.consumer.commit(offsets=[TopicPartition("kept", p.partition, life + 1)
                                            for p in member.consumer.assignment()], asynchronous=False)
        broker.kill()
        broker.start()
        assert cases.committed(broker.address, "keepers", "kept", 4) == [life + 1] * 4
        now = describe(broker, "keepers")
        assert now.state.name == "STABLE"
        assert sorted(m.member_id for m in now.members) == sorted(ids)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            shares(*members)
        assert [m.consumer.memberid() for m in members] == ids, "a rebalance after a restart"
    for member in members:
        member.close()
    broker.stop()
    dump = decoded(broker)
    generations = [int(g) for g in re.findall(r'"generation":(\d+)', dump)]
    assert generations == sorted(generations)
    assert '"topic":"kept"' in dump and '"protocol":"range"' in dump


def decoded(broker):
    """__consumer_offsets as Kafka's own tool reads it."""
    folder = os.path.join(broker.data, "broker", "__consumer_offsets-0")
    logs = sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".log"))
    return subprocess.run(
        ["java", "-Xmx128m", "-cp", os.path.join(kafka_server.LIBS, "*"), "kafka.tools.DumpLogSegments",
         "--offsets-decoder", "--files", ",".join(logs)],
        check=True, stdout=subprocess.PIPE, text=True, timeout=300).stdout


# ---- transactions ------------------------------------------------------------------------------------


def pending(address, member, topic, offset):
    """A producer whose transaction holds an offset of the group. A new one each time: when all its brokers
    were gone, librdkafka forgets them but not that one of them had the group, and waits for it for ever
    (its issue 5511)."""
    producer = Producer({"bootstrap.servers": address, "transactional.id": f"{topic}-pipe", "log_level": 0})
    producer.init_transactions(120)
    producer.begin_transaction()
    producer.send_offsets_to_transaction([TopicPartition(topic, 0, offset)],
                                         member.consumer.consumer_group_metadata(), 120)
    return producer


def check_pending(address, group, topic, offset):
    """With offsets pending the last one stands, and who wants a stable one must wait."""
    assert cases.committed(address, group, topic, 1) == [offset]
    with pytest.raises(KafkaException) as raised:
        cases.committed(address, group, topic, 1, stable=True, timeout=1)
    assert raised.value.args[0].code() in (KafkaError._TIMED_OUT, KafkaError.UNSTABLE_OFFSET_COMMIT)


def check_settled(address, group, topic, offset):
    # The end is decided when a commit is answered; its marker follows at once.
    assert cases.committed(address, group, topic, 1, stable=True) == [offset]


def check_offsets_of_transactions(address, topic, restart):
    """`restart` kills the broker and starts it again, or does nothing."""
    group = f"{topic}-group"
    cases.fill(address, topic, 1, 10)
    member = cases.Member(address, group, topic, **{"log_level": 0}).settle()
    try:
        pipe = pending(address, member, topic, 4)
        check_pending(address, group, topic, -1001)  # OFFSET_INVALID: nothing was committed yet.
        pipe.commit_transaction(120)
        check_settled(address, group, topic, 4)
        restart()  # The marker is read back.
        check_settled(address, group, topic, 4)
        pipe = pending(address, member, topic, 6)
        check_pending(address, group, topic, 4)
        restart()  # What was pending is pending again, and may still be aborted
        check_pending(address, group, topic, 4)
        pipe.abort_transaction(120)
        check_settled(address, group, topic, 4)
        restart()
        check_settled(address, group, topic, 4)
        pipe = pending(address, member, topic, 8)
        restart()  # or committed.
        check_pending(address, group, topic, 4)
        pipe.commit_transaction(120)
        check_settled(address, group, topic, 8)
        restart()
        check_settled(address, group, topic, 8)
    finally:
        member.close()


def test_offsets_of_a_transaction_wait_for_its_end_also_over_kills(broker):
    make(broker, "source")

    def restart():
        broker.kill()
        broker.start()

    check_offsets_of_transactions(broker.address, "source", restart)
    broker.stop()
    assert '"offset":8' in decoded(broker)


@pytest.mark.skipif(not SOAK, reason="asks Kafka: MILLRACE_SOAK=1")
def test_offsets_of_a_transaction_wait_for_its_end_in_kafka(kafka):
    kafka.create_topic("source", 4)
    check_offsets_of_transactions(kafka.address, "source", lambda: None)


# ---- other clients -----------------------------------------------------------------------------------


def test_kafka_python_shares_a_topic(broker):
    make(broker, "shared")
    cases.fill(broker.address, "shared", 4, 25)
    options = {"bootstrap_servers": broker.address, "group_id": "pythons", "auto_offset_reset": "earliest",
               "heartbeat_interval_ms": 300, "consumer_timeout_ms": 500}
    first, second = KafkaConsumer("shared", **options), KafkaConsumer("shared", **options)
    got, shared, end = set(), False, time.monotonic() + 240
    while not shared or cases.committed(broker.address, "pythons", "shared", 4) != [25] * 4:
        assert time.monotonic() < end, (shared, len(got))
        for consumer in (first, second):
            for records in consumer.poll(200).values():
                got |= {(r.partition, r.offset) for r in records}
        shared = shared or len(first.assignment()) == len(second.assignment()) == 2
        for consumer in (first, second):
            with contextlib.suppress(KafkaPythonError):  # In a rebalance, which may come at any moment.
                consumer.commit()
    assert got == {(p, o) for p in range(4) for o in range(25)}
    for consumer in (first, second):
        consumer.close()


def test_aiokafka_shares_a_topic(broker):
    from aiokafka import AIOKafkaConsumer
    from aiokafka.errors import KafkaError as AsyncError
    make(broker, "shared")
    cases.fill(broker.address, "shared", 4, 25)

    async def run():
        options = {"bootstrap_servers": broker.address, "group_id": "async", "auto_offset_reset": "earliest",
                   "heartbeat_interval_ms": 300, "enable_auto_commit": False}
        members = [AIOKafkaConsumer("shared", **options) for _ in range(2)]
        got, shared = set(), False
        for member in members:
            await member.start()
        end = time.monotonic() + 240
        while not shared or cases.committed(broker.address, "async", "shared", 4) != [25] * 4:
            assert time.monotonic() < end, (shared, len(got))
            for member in members:
                for records in (await member.getmany(timeout_ms=200)).values():
                    got |= {(r.partition, r.offset) for r in records}
            shared = shared or all(len(m.assignment()) == 2 for m in members)
            for member in members:
                with contextlib.suppress(AsyncError):
                    await member.commit()
        for member in members:
            await member.stop()
        return got

    assert asyncio.run(run()) == {(p, o) for p in range(4) for o in range(25)}


def test_the_java_console_consumer_reads_as_a_group(broker):
    make(broker, "javas")
    cases.fill(broker.address, "javas", 4, 5)
    text, code = cases.tool(
        broker.address, "--topic", "javas", "--group", "consoles", "--from-beginning",
        "--max-messages", "20", "--timeout-ms", "100000", main="org.apache.kafka.tools.consumer.ConsoleConsumer")
    assert code == 0
    assert {line for line in text.splitlines() if re.match(r"\d-\d+$", line)} == {
        f"{p}-{i}" for p in range(4) for i in range(5)}
    assert cases.committed(broker.address, "consoles", "javas", 4) == [5] * 4
