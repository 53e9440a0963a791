"""The Java tool kafka-consumer-groups, run in every form against a broker, with what it prints made
comparable: two brokers that behave alike give the same text."""

import os
import re
import subprocess
import time

from confluent_kafka import Consumer, Producer, TopicPartition

import kafka_server

MAIN = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
# Of the first record; the next ones follow by a second each. Lately, or retention takes them.
EPOCH_MS = int(time.time() - 600) * 1000
WHEN = time.strftime("%Y-%m-%dT%H:%M:%S.500", time.gmtime(EPOCH_MS // 1000 + 4))  # Before the sixth.


def tool(address, *args, main=MAIN, stdin=None):
    """What a tool prints, and its exit code."""
    done = subprocess.run(
        ["java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
         "-cp", os.path.join(kafka_server.LIBS, "*"), main, "--bootstrap-server", address, *args,
         *(["--timeout", "120000"] if main == MAIN else [])],  # Its own five seconds are not enough for any machine.
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, input=stdin)
    return done.stdout, done.returncode


def comparable(text, address):
    """The text without addresses, ids, stack traces and widths of columns; rows in order."""
    text = text.replace(address, "ADDRESS")
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID", text)
    lines = []
    for line in text.splitlines():
        if re.match(r"\s*(at |SLF4J|log4j:|\.\.\. \d+ more|$)", line):
            continue
        lines.append(" ".join(line.split()))
    return sorted(lines)


def fill(address, topic, partitions, count):
    """`count` records in each partition, a second apart."""
    producer = Producer({"bootstrap.servers": address, "linger.ms": 5})
    for i in range(count):
        for partition in range(partitions):
            producer.produce(topic, f"{partition}-{i}", partition=partition,
                             timestamp=EPOCH_MS + i * 1000)
    assert producer.flush(120) == 0


def commit(address, group, topic, offsets):
    """Commits {partition: offset} as a consumer that assigns itself."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": group,
                         "enable.auto.commit": False})
    consumer.commit(offsets=[TopicPartition(topic, p, o) for p, o in offsets.items()],
                    asynchronous=False)
    consumer.close()


def committed(address, group, topic, partitions, stable=False, timeout=120):
    """The offsets; with `stable` only when no transaction has any pending, else KafkaException."""
    consumer = Consumer({
        "bootstrap.servers": address, "group.id": group, "enable.auto.commit": False, "log_level": 0,
        "isolation.level": "read_committed" if stable else "read_uncommitted"})
    try:
        found = consumer.committed([TopicPartition(topic, p) for p in range(partitions)], timeout=timeout)
    finally:
        consumer.close()
    return [p.offset for p in found]


class Member:
    """A consumer of a group that is polled until it has its partitions."""

    def __init__(self, address, group, topic, **config):
        self.consumer = Consumer({
            "bootstrap.servers": address, "group.id": group, "enable.auto.commit": False,
            "auto.offset.reset": "earliest", "heartbeat.interval.ms": 500, **config})
        self.consumer.subscribe([topic])

    def settle(self, timeout=120):
        end = time.monotonic() + timeout
        while not self.consumer.assignment():
            assert time.monotonic() < end, "no partitions"
            self.consumer.poll(0.1)
        return self

    def close(self):
        self.consumer.close()


def matrix(address, tmp_path, name, quick=False):
    """Runs the tool through all its forms; ret: [(arguments, exit code, comparable text)]. With `quick`
    only through those few that print the same without the others before them."""
    orders, other = f"{name}-orders", f"{name}-other"
    idle, live = f"{name}-idle", f"{name}-live"
    out = []

    def always(*args):
        text, code = tool(address, *args)
        args = [arg.replace(WHEN, "WHEN").replace(str(tmp_path), "FOLDER") for arg in args]
        out.append((args, code, comparable(text, address)))

    def run(*args):
        if not quick:
            always(*args)

    fill(address, orders, 3, 10)
    fill(address, other, 1, 5)
    commit(address, idle, orders, {0: 3, 1: 4, 2: 10})
    commit(address, idle, other, {0: 2})
    member = Member(address, live, orders, **{"client.id": "worker"}).settle()
    try:
        run("--list")
        run("--list", "--state")
        run("--list", "--state", "stable")
        always("--list", "--type", "--state")
        run("--list", "--type", "consumer")
        always("--describe", "--all-groups")
        run("--describe", "--all-groups", "--members", "--verbose")
        run("--describe", "--all-groups", "--state")
        run("--describe", "--group", live, "--members")
        run("--describe", "--group", "nobody")
        reset = ("--reset-offsets", "--group")
        run(*reset, live, "--topic", orders, "--to-earliest", "--execute")
        run(*reset, idle, "--topic", orders, "--to-earliest", "--dry-run")
        run(*reset, idle, "--topic", f"{orders}:0,1", "--to-latest", "--execute")
        run(*reset, idle, "--all-topics", "--shift-by", "-2", "--execute")
        run(*reset, idle, "--topic", orders, "--to-offset", "99", "--execute")
        always(*reset, idle, "--topic", orders, "--to-offset", "6", "--execute")
        run(*reset, idle, "--topic", f"{orders}:2", "--to-datetime", WHEN, "--execute")
        run(*reset, idle, "--topic", f"{orders}:1", "--by-duration", "PT1H", "--execute")
        run(*reset, idle, "--all-topics", "--to-current", "--export", "--dry-run")
        path = tmp_path / "plan.csv"
        path.write_text(f"{orders},0,1\n{orders},1,1\n{orders},2,1\n{other},0,1\n", encoding="utf-8")
        always(*reset, idle, "--from-file", str(path), "--execute")
        run(*reset, f"{name}-fresh", "--topic", other, "--to-latest", "--execute")
        run("--delete-offsets", "--group", live, "--topic", orders)
        always("--delete-offsets", "--group", idle, "--topic", other)
        always("--describe", "--group", idle)
        always("--delete", "--group", live, "--group", idle, "--group", "nobody")
    finally:
        member.close()
    run("--describe", "--group", live, "--state")
    run("--delete", "--all-groups")
    run("--list")
    return out
