"""Kafka's own admin tools against a real Apache Kafka 3.9 and the embedded broker, side by side: what they print
must be the same, but for ids and addresses. Each command starts two Java programs: every day runs one of each
kind, MILLRACE_SOAK=1 all of them (ten minutes)."""

import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from broker_server import Broker, java
from conftest import SOAK
from kafka_server import KafkaServer

SECURE = """
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""
TOPICS = "org.apache.kafka.tools.TopicCommand"
CONFIGS = "kafka.admin.ConfigCommand"
ACLS = "kafka.admin.AclCommand"
DIRS = "org.apache.kafka.tools.LogDirsCommand"

soak = pytest.mark.skipif(not SOAK, reason="takes minutes: MILLRACE_SOAK=1")


class AuthorizingKafka(KafkaServer):
    """The same with ACLs on, and everybody a super user: the tools come without a name."""

    def _write(self, name, text):
        text = text.replace("log.retention.ms=-1\n", "").replace("log.segment.delete.delay.ms=1000\n", "")
        text = text.replace("log.cleaner.backoff.ms=300\n", "").replace("num.partitions=3", "num.partitions=4")
        super()._write(name, text + SECURE if name == "server.properties" else text)


@pytest.fixture(scope="module")
def both():
    kafka = AuthorizingKafka().start()
    settings = ["broker.acls=true", "broker.super_users=User:ANONYMOUS", "broker.replication=reject",
                "broker.durability=fsync"]
    try:
        with Broker(settings=settings) as ours:
            yield kafka.address, ours.address
    finally:
        kafka.stop()


def plain(text):
    """Output without what differs by nature: ids, addresses, times, stack traces, and the order of a set."""
    lines = []
    for line in text.splitlines():
        if line.startswith(("\tat ", "Caused by", "SLF4J", "log4j:")) or not line.strip():
            continue
        line = re.sub(r"TopicId: \S+", "TopicId: -", line)
        line = re.sub(r"127\.0\.0\.1:\d+", "-", line)
        line = re.sub(r"\[\d{4}-\d\d-\d\d [^]]*\] ", "", line)
        line = re.sub(r"Configs: (\S*)", lambda m: "Configs: " + ",".join(sorted(m[1].split(","))), line)
        head, is_, rest = line.partition(" are ")  # SCRAM credentials and quotas: Kafka's order is that of a hash.
        lines.append((head + is_ + ", ".join(sorted(rest.split(", ")))).strip())
    return lines


def run(address, main, *args):
    done = java(main, "--bootstrap-server", address, *args)
    return done.returncode, plain(done.stdout.decode()), plain(done.stderr.decode())


def same(both, main, *args, unordered=False):
    """Runs a tool against both; returns what both have printed."""
    with ThreadPoolExecutor(2) as pool:
        kafka, ours = pool.map(lambda address: run(address, main, *args), both)
    if unordered:
        kafka, ours = [(code, sorted(out), sorted(err)) for code, out, err in (kafka, ours)]
    assert ours == kafka
    return ours[1]


def test_a_command_of_each_kind(both):
    same(both, TOPICS, "--create", "--topic", "daily", "--partitions", "2", "--config", "retention.ms=60000")
    same(both, TOPICS, "--create", "--topic", "t", "--config", "retention.mss=1")
    same(both, CONFIGS, "--alter", "--entity-type", "topics", "--entity-name", "daily", "--add-config",
         "cleanup.policy=[compact,delete]")
    described = same(both, TOPICS, "--describe", "--topic", "daily")
    assert sum("Leader: 1" in line for line in described) == 2 and "compact" in described[0]
    same(both, CONFIGS, "--alter", "--entity-type", "clients", "--entity-name", "daily", "--add-config",
         "producer_byte_rate=1024")
    same(both, ACLS, "--add", "--allow-principal", "User:daily", "--operation", "Read", "--topic", "daily",
         unordered=True)


@soak
@pytest.mark.parametrize("name, args", [
    ("dot", ["--topic", ".."]),
    ("slash", ["--topic", "../../etc"]),
    ("long", ["--topic", "x" * 250]),
    ("none", ["--topic", "t", "--partitions", "0"]),
    ("factor", ["--topic", "t", "--replication-factor", "3"]),
    ("unknown config", ["--topic", "t", "--config", "retention.mss=1"]),
    ("bad value", ["--topic", "t", "--config", "retention.ms=soon"]),
    ("bad choice", ["--topic", "t", "--config", "cleanup.policy=shred"]),
    ("assignment", ["--topic", "t", "--replica-assignment", "2,3"]),
])
def test_a_topic_that_cannot_be_is_refused_in_kafkas_words(both, name, args):
    same(both, TOPICS, "--create", *args)


@soak
def test_a_topics_life(both):
    same(both, TOPICS, "--create", "--topic", "life.a", "--partitions", "3", "--config", "retention.ms=60000",
         "--config", "cleanup.policy=compact,delete")
    same(both, TOPICS, "--create", "--topic", "life.a")
    same(both, TOPICS, "--create", "--topic", "life_a")
    same(both, TOPICS, "--create", "--topic", "life.b", "--replica-assignment", "1,1")
    same(both, TOPICS, "--alter", "--topic", "life.a", "--partitions", "5")
    same(both, TOPICS, "--alter", "--topic", "life.a", "--partitions", "2")
    described = same(both, TOPICS, "--describe", "--topic", "life.*")
    assert sum("Leader: 1" in line for line in described) == 7
    assert "life.a" in same(both, TOPICS, "--list")
    same(both, TOPICS, "--describe", "--topic", "absent")
    same(both, TOPICS, "--delete", "--topic", "absent")
    same(both, TOPICS, "--delete", "--topic", "life.a")
    assert "life.a" not in same(both, TOPICS, "--list")


@soak
def test_configs_of_a_topic(both):
    entity = ["--entity-type", "topics", "--entity-name", "conf"]
    same(both, TOPICS, "--create", "--topic", "conf", "--partitions", "1")
    same(both, CONFIGS, "--alter", *entity, "--add-config", "max.message.bytes=2000,cleanup.policy=[compact,delete]")
    same(both, CONFIGS, "--alter", *entity, "--add-config", "segment.bytes=1")
    same(both, CONFIGS, "--alter", *entity, "--add-config", "nonsense=1")
    described = same(both, CONFIGS, "--describe", *entity, unordered=True)
    assert any("max.message.bytes=2000" in line for line in described)
    same(both, CONFIGS, "--alter", *entity, "--delete-config", "max.message.bytes")
    same(both, CONFIGS, "--describe", *entity, unordered=True)
    same(both, CONFIGS, "--describe", "--entity-type", "topics", "--entity-name", "absent")


def describe_all(address, *entity):
    """name → the rest of its line, of all configs."""
    done = java(CONFIGS, "--bootstrap-server", address, "--describe", "--all", *entity)
    assert done.returncode == 0, done.stderr.decode()
    found = {}
    for line in done.stdout.decode().splitlines():
        match = re.match(r"\s+([a-z0-9._]+)=(.*)$", line)
        if match:
            found[match[1]] = match[2]
    return found


@soak
def test_all_configs_of_a_topic_are_kafkas(both):
    same(both, TOPICS, "--create", "--topic", "every", "--partitions", "1")
    kafka, ours = (describe_all(address, "--entity-type", "topics", "--entity-name", "every") for address in both)
    assert ours.pop("millrace.durability").startswith("fsync ")
    assert ours == kafka


@soak
def test_configs_of_the_broker(both):
    node = ["--entity-type", "brokers", "--entity-name", "1"]
    everyone = ["--entity-type", "brokers", "--entity-default"]
    same(both, CONFIGS, "--alter", *everyone, "--add-config", "log.segment.bytes=2000000")
    same(both, CONFIGS, "--alter", *node, "--add-config", "log.retention.ms=7200000")
    same(both, CONFIGS, "--describe", *everyone)
    same(both, TOPICS, "--create", "--topic", "inherits", "--partitions", "1")
    kafka, ours = (describe_all(address, "--entity-type", "topics", "--entity-name", "inherits") for address in both)
    for name in ("segment.bytes", "retention.ms", "segment.ms"):
        assert ours[name] == kafka[name]
    assert ours["segment.bytes"].startswith("2000000 ")
    same(both, CONFIGS, "--alter", *node, "--delete-config", "log.retention.ms")
    same(both, CONFIGS, "--alter", *everyone, "--delete-config", "log.segment.bytes")
    kafka, ours = (describe_all(address, *node) for address in both)
    assert "inter.broker.protocol.version" in ours
    unknown = set(ours) - set(kafka) - {"millrace.durability"}
    assert not unknown


@soak
def test_quotas_of_clients_and_users(both):
    client = ["--entity-type", "clients", "--entity-name", "c1"]
    user = ["--entity-type", "users", "--entity-name", "u1"]
    same(both, CONFIGS, "--alter", *client, "--add-config", "producer_byte_rate=1024,consumer_byte_rate=2048",
         unordered=True)
    same(both, CONFIGS, "--alter", *user, *client, "--add-config", "request_percentage=150")
    same(both, CONFIGS, "--alter", "--entity-type", "users", "--entity-default", "--add-config",
         "producer_byte_rate=10")
    same(both, CONFIGS, "--alter", *client, "--add-config", "producer_byte_rate=-1")
    same(both, CONFIGS, "--alter", *client, "--add-config", "nonsense_rate=1")
    for entity in (client, user, [*user, *client], ["--entity-type", "clients"],
                   ["--entity-type", "users", "--entity-type", "clients"]):
        same(both, CONFIGS, "--describe", *entity, unordered=True)
    same(both, CONFIGS, "--alter", *client, "--delete-config", "producer_byte_rate")
    same(both, CONFIGS, "--describe", *client)


@soak
def test_scram_credentials(both):
    user = ["--entity-type", "users", "--entity-name", "scrambler"]
    same(both, CONFIGS, "--alter", *user, "--add-config",
         "SCRAM-SHA-256=[iterations=8192,password=pw],SCRAM-SHA-512=[password=pw]")
    same(both, CONFIGS, "--alter", *user, "--add-config", "SCRAM-SHA-256=[iterations=8192,password=pw]")
    same(both, CONFIGS, "--alter", *user, "--add-config", "SCRAM-SHA-512=[password=pw]")
    same(both, CONFIGS, "--describe", *user)
    same(both, CONFIGS, "--alter", *user, "--delete-config", "SCRAM-SHA-256")
    same(both, CONFIGS, "--describe", *user)
    same(both, CONFIGS, "--alter", *user, "--delete-config", "SCRAM-SHA-256")
    same(both, CONFIGS, "--alter", *user, "--add-config", "SCRAM-SHA-256=[iterations=100,password=pw]")


@soak
def test_acls(both):
    same(both, ACLS, "--add", "--allow-principal", "User:alice", "--operation", "Read", "--operation", "Write",
         "--topic", "in.", "--resource-pattern-type", "prefixed", unordered=True)
    same(both, ACLS, "--add", "--deny-principal", "User:bob", "--deny-host", "10.0.0.1", "--operation", "All",
         "--topic", "*", unordered=True)
    same(both, ACLS, "--add", "--allow-principal", "User:alice", "--consumer", "--topic", "x", "--group", "g",
         unordered=True)
    same(both, ACLS, "--add", "--allow-principal", "User:alice", "--cluster", "--operation", "Create")
    same(both, ACLS, "--list", unordered=True)
    same(both, ACLS, "--list", "--topic", "in.orders", "--resource-pattern-type", "match", unordered=True)
    same(both, ACLS, "--list", "--principal", "User:bob", unordered=True)
    same(both, ACLS, "--remove", "--topic", "*", "--force", unordered=True)
    same(both, ACLS, "--list", unordered=True)


@soak
def test_log_dirs(both):
    same(both, TOPICS, "--create", "--topic", "sized", "--partitions", "2")

    def describe(address):
        done = java(DIRS, "--bootstrap-server", address, "--describe", "--topic-list", "sized")
        assert done.returncode == 0, done.stderr.decode()
        text = json.loads(next(line for line in done.stdout.decode().splitlines() if line.startswith("{")))
        for broker in text["brokers"]:
            for folder in broker["logDirs"]:
                folder["logDir"] = "-"
                folder["partitions"].sort(key=lambda one: one["partition"])
        return text

    kafka, ours = map(describe, both)
    assert ours == kafka
    assert [p["partition"] for p in ours["brokers"][0]["logDirs"][0]["partitions"]] == ["sized-0", "sized-1"]
