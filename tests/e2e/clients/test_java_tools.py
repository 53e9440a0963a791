"""Kafka's own Java tools, of 3.9 and of 4.x, against the embedded broker, with MILLRACE_SOAK=1."""

import datetime
import glob
import json
import os
import re
import time

import pytest
from confluent_kafka import Producer

import stock
from broker_server import Broker, java
from conftest import SOAK
from kafka_server import LIBS, LIBS_4

pytestmark = pytest.mark.skipif(not SOAK, reason="only with MILLRACE_SOAK=1")
COUNT = 300
TOOLS = "org.apache.kafka.tools."
MOVED = {"ConsoleProducer": "kafka.tools.ConsoleProducer", "AclCommand": "kafka.admin.AclCommand"}  # In 3.9.
NESTED = {"ConsoleConsumer": "consumer.ConsoleConsumer", "ConsumerGroupCommand": "consumer.group.ConsumerGroupCommand",
          "ReassignPartitionsCommand": "reassign.ReassignPartitionsCommand"}


class Tools:
    """The tools of one version."""

    def __init__(self, libs):
        jar, = glob.glob(os.path.join(libs, "kafka-tools-[0-9]*.jar"))
        self.libs = libs
        # 4.x takes the older word too, and says on standard output that it is old.
        self.reader, self.formatter = (
            ("--property",) * 2 if libs == LIBS else ("--reader-property", "--formatter-property"))
        self.version = re.search(r"kafka-tools-([0-9.]+)\.jar", jar).group(1)

    def main(self, name):
        if name == "ConfigCommand":
            return "kafka.admin.ConfigCommand"
        if self.libs == LIBS and name in MOVED:
            return MOVED[name]
        return TOOLS + NESTED.get(name, name)

    def any_code(self, name, *args, stdin=None):
        return java(self.main(name), *args, stdin=stdin, libs=self.libs)

    def __call__(self, name, *args, stdin=None):
        done = self.any_code(name, *args, stdin=stdin)
        err = done.stderr.decode()
        assert done.returncode == 0 and "Exception" not in err and "ERROR" not in err, (name, args, err[-3000:])
        return done.stdout.decode()

    def shows(self, names, what):
        """The row of one version is not that of another."""
        return stock.shows(f"Java {self.version[0]}.x: {names}", self.version, what)


@pytest.fixture(scope="module", params=[LIBS, LIBS_4], ids=["3.9", "4.x"])
def tools(request):
    return Tools(request.param)


@pytest.fixture(scope="module")
def broker():
    with Broker(settings=["broker.acls=true", "broker.super_users=User:ANONYMOUS"]) as one:
        yield one


@pytest.fixture
def topic(broker, request):
    return stock.make_topic(broker, re.sub(r"[^a-zA-Z0-9._-]", "-", request.node.name))


def at(broker):
    return "--bootstrap-server", broker.address


def fill(tools, broker, topic):
    """COUNT records with keys and headers, by the console producer."""
    tools("ConsoleProducer", *at(broker), "--topic", topic, tools.reader, "parse.key=true", tools.reader,
          "parse.headers=true", stdin=stock.to_lines(stock.records(COUNT)).encode())


def test_console(tools, broker, topic):
    with tools.shows("kafka-console-producer, kafka-console-consumer", stock.ROUND_TRIP):
        fill(tools, broker, topic)
        lines = tools("ConsoleConsumer", *at(broker), "--topic", topic, "--group", topic, "--from-beginning",
                      "--max-messages", str(COUNT), "--timeout-ms", "60000", tools.formatter, "print.key=true",
                      tools.formatter, "print.headers=true")
        stock.same(stock.from_lines(lines), stock.records(COUNT))
        stock.same(stock.stored(broker, topic), stock.as_bytes(stock.records(COUNT)))
        assert stock.lag(broker, topic, topic) == 0


# ---- groups --------------------------------------------------------------------------------------------


def fill_in_time(broker, topic, hour_ago_ms):
    """100 records in partition 0: half of them at that time and a second apart, half of them now."""
    producer = Producer({"bootstrap.servers": broker.address})
    for i in range(100):
        stamp = hour_ago_ms + i * 1000 if i < 50 else hour_ago_ms + 3_600_000
        producer.produce(topic, str(i), partition=0, timestamp=stamp)
    assert producer.flush(20) == 0


def test_consumer_groups(tools, broker, request, tmp_path):
    what = ("lag; --reset-offsets --to-earliest, --to-latest, --to-offset, --shift-by, --by-duration, --to-datetime, "
            "--to-current, --from-file, each dry and executed; --delete-offsets; --list; --delete")
    name = re.sub(r"[^a-zA-Z0-9._-]", "-", request.node.name)
    topic = stock.make_topic(broker, name, 1)
    hour_ago = int(time.time() * 1000) - 3_600_000
    fill_in_time(broker, topic, hour_ago)
    moment = datetime.datetime.fromtimestamp((hour_ago + 20_000) / 1000, datetime.timezone.utc)
    group = ("ConsumerGroupCommand", *at(broker), "--timeout", "60000", "--group", name)
    saved = tmp_path / "offsets.csv"
    saved.write_text(f'"{topic}",0,33\n', encoding="utf-8")
    forms = [(("--to-earliest",), 0), (("--to-latest",), 100), (("--to-offset", "40"), 40), (("--shift-by", "7"), 47),
             (("--shift-by", "-17"), 30), (("--to-current",), 30), (("--by-duration", "PT30M"), 50),
             (("--to-datetime", moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}+00:00"), 20),
             (("--from-file", str(saved)), 33)]
    with tools.shows("kafka-consumer-groups", what):
        now = 0
        for form, want in forms:
            scope = () if form[0] == "--from-file" else ("--topic", topic)
            for action in ("--dry-run", "--execute"):
                out = tools(*group, *scope, "--reset-offsets", *form, action)
                rows = re.findall(rf"{name}\s+{topic}\s+(\d+)\s+(\d+)", out)  # 3.9 has all on one line.
                assert rows == [("0", str(want))], (form, out)
                now = want if action == "--execute" else now
                # A group that has committed nothing yet has all before it.
                assert stock.lag(broker, name, topic) == 100 - now, (form, action)
        row, = [line.split() for line in tools(*group, "--describe").splitlines() if line.startswith(name)]
        assert row[:6] == [name, topic, "0", "33", "100", "67"]
        assert name in tools(*group[:-2], "--list").split()
        state = tools(*group, "--describe", "--state")
        assert "Empty" in state, state
        tools(*group, "--delete-offsets", "--topic", topic)
        assert stock.lag(broker, name, topic) == 100
        tools(*group, "--topic", topic, "--reset-offsets", "--to-latest", "--execute")
        tools(*group, "--delete")
        assert name not in tools(*group[:-2], "--list").split()


# ---- tools that check themselves -----------------------------------------------------------------------


def events(out):
    """The JSON lines of the verifiable tools, by their names."""
    by_name = {}
    for line in out.splitlines():
        event = json.loads(line)
        by_name.setdefault(event["name"], []).append(event)
    return by_name


def test_verifiable(tools, broker, topic):
    what = "each record acknowledged, each read once in a group, committed, lag 0"
    with tools.shows("VerifiableProducer, VerifiableConsumer", what):
        sent = events(tools("VerifiableProducer", *at(broker), "--topic", topic, "--max-messages", str(COUNT),
                            "--repeating-keys", "10"))
        assert len(sent["producer_send_success"]) == COUNT and "producer_send_error" not in sent
        places = {(event["partition"], event["offset"]): event["value"] for event in sent["producer_send_success"]}
        read = events(tools("VerifiableConsumer", *at(broker), "--topic", topic, "--group-id", topic,
                            "--max-messages", str(COUNT), "--verbose"))
        assert {(event["partition"], event["offset"]): event["value"] for event in read["record_data"]} == places
        assert len(read["record_data"]) == COUNT
        assert all(event["success"] for event in read["offsets_committed"])
        assert stock.lag(broker, topic, topic) == 0


@pytest.mark.parametrize("transactions", [False, True])
def test_performance(tools, broker, topic, transactions):
    what = "20,000 records in transactions of 50 ms" if transactions else "20,000 records, read in a group"
    with tools.shows("kafka-producer-perf-test, kafka-consumer-perf-test", what):
        out = tools("ProducerPerformance", "--topic", topic, "--num-records", "20000", "--record-size", "100",
                    "--throughput", "-1", "--producer-props", f"bootstrap.servers={broker.address}",
                    *(["--transactional-id", topic, "--transaction-duration-ms", "50"] if transactions else []))
        assert "20000 records sent" in out, out
        values = [value for _, value, _ in stock.stored(broker, topic)]
        assert len(values) == 20000 and all(len(value) == 100 for value in values)
        out = tools("ConsumerPerformance", *at(broker), "--topic", topic, "--messages", "20000", "--group", topic,
                    "--hide-header")
        assert float(out.split(",")[4]) == 20000, out


def test_transactional_copy(tools, broker, topic):
    what = "TransactionalMessageCopier: a copy with random aborts has every record once"
    with tools.shows("transactions", what):
        output = stock.make_topic(broker, f"{topic}-out", 1)
        source = stock.make_topic(broker, f"{topic}-in", 1)
        fill(tools, broker, source)
        tools("TransactionalMessageCopier", "--broker-list", broker.address, "--input-topic", source, "--input-partition", "0",
              "--output-topic", output, "--consumer-group", topic, "--transactional-id", topic,
              "--transaction-size", "40", "--enable-random-aborts", "--group-mode", "--use-group-metadata")
        values = [(key, value) for key, value, _ in stock.stored(broker, output)]  # It copies no headers.
        assert sorted(values) == sorted((key, value) for key, value, _ in stock.as_bytes(stock.records(COUNT)))
        assert stock.lag(broker, topic, source) == 0


# ---- administration ------------------------------------------------------------------------------------


def offsets(tools, broker, topic, when="latest"):
    """Sum of the offsets of all partitions, by kafka-get-offsets."""
    out = tools("GetOffsetShell", *at(broker), "--topic", topic, "--time", when)
    found = {int(line.split(":")[1]): int(line.split(":")[2]) for line in out.split()}
    assert sorted(found) == list(range(stock.PARTITIONS)), out
    return sum(found.values())


def test_offsets_and_deleted_records(tools, broker, topic, tmp_path):
    what = "earliest and latest, before and after records are deleted"
    with tools.shows("kafka-get-offsets, kafka-delete-records", what):
        fill(tools, broker, topic)
        assert (offsets(tools, broker, topic, "earliest"), offsets(tools, broker, topic)) == (0, COUNT)
        parts = [{"topic": topic, "partition": p, "offset": 10} for p in range(stock.PARTITIONS)]
        request = tmp_path / "offsets.json"
        request.write_text(json.dumps({"partitions": parts, "version": 1}), encoding="utf-8")
        out = tools("DeleteRecordsCommand", *at(broker), "--offset-json-file", str(request))
        assert out.count("low_watermark: 10") == stock.PARTITIONS, out
        assert (offsets(tools, broker, topic, "earliest"), offsets(tools, broker, topic)) == (10 * stock.PARTITIONS,
                                                                                              COUNT)
        assert len(stock.stored(broker, topic)) == COUNT - 10 * stock.PARTITIONS


def test_topics_and_configs(tools, broker, request):
    what = "create, list, describe, more partitions, delete; configs of topics and clients added, shown, removed"
    name = re.sub(r"[^a-zA-Z0-9._-]", "-", request.node.name)
    with tools.shows("kafka-topics, kafka-configs", what):
        tools("TopicCommand", *at(broker), "--create", "--topic", name, "--partitions", "2", "--config",
              "retention.ms=60000")
        assert name in tools("TopicCommand", *at(broker), "--list").split()
        tools("TopicCommand", *at(broker), "--alter", "--topic", name, "--partitions", "5")
        entity = ("ConfigCommand", *at(broker), "--entity-type", "topics", "--entity-name", name)
        tools(*entity, "--alter", "--add-config", "cleanup.policy=[compact,delete],segment.bytes=1048576")
        out = tools("TopicCommand", *at(broker), "--describe", "--topic", name)
        assert out.count("Leader: 1") == 5 and "retention.ms=60000" in out and "PartitionCount: 5" in out, out
        tools(*entity, "--alter", "--delete-config", "retention.ms")
        out = tools(*entity, "--describe")
        assert "cleanup.policy=compact,delete" in out and "retention.ms" not in out, out
        client = ("ConfigCommand", *at(broker), "--entity-type", "clients", "--entity-name", name)
        tools(*client, "--alter", "--add-config", "producer_byte_rate=1048576")
        assert "producer_byte_rate=1048576" in tools(*client, "--describe")
        tools("TopicCommand", *at(broker), "--delete", "--topic", name)
        assert name not in tools("TopicCommand", *at(broker), "--list").split()


def test_acls(tools, broker, topic):
    with tools.shows("kafka-acls", "added for a topic and a prefix, listed, removed"):
        tools("AclCommand", *at(broker), "--add", "--allow-principal", "User:ann", "--operation", "Read", "--topic",
              topic)
        tools("AclCommand", *at(broker), "--add", "--deny-principal", "User:bob", "--operation", "All", "--topic",
              topic[:8], "--resource-pattern-type", "prefixed")
        out = tools("AclCommand", *at(broker), "--list", "--topic", topic, "--resource-pattern-type", "match")
        assert "principal=User:ann, host=*, operation=READ, permissionType=ALLOW" in out, out
        assert "principal=User:bob, host=*, operation=ALL, permissionType=DENY" in out, out
        tools("AclCommand", *at(broker), "--remove", "--force", "--topic", topic)
        tools("AclCommand", *at(broker), "--remove", "--force", "--topic", topic[:8], "--resource-pattern-type",
              "prefixed")
        assert "User:" not in tools("AclCommand", *at(broker), "--list", "--topic", topic)


def test_transactions_command(tools, broker, topic):
    """A transaction that is left open: listed, described, its producer found, aborted."""
    what = "an open transaction listed, described, its producer shown, then aborted"
    with tools.shows("kafka-transactions", what):
        producer = Producer({"bootstrap.servers": broker.address, "transactional.id": topic})
        producer.init_transactions(20)
        producer.begin_transaction()
        producer.produce(topic, "open", partition=0)
        producer.flush(20)
        listed, = [line.split() for line in tools("TransactionsCommand", *at(broker), "list").splitlines()
                   if line.startswith(topic)]
        assert listed[3] == "Ongoing", listed
        out = tools("TransactionsCommand", *at(broker), "describe", "--transactional-id", topic)
        assert f"{topic}-0" in out and "Ongoing" in out, out
        row = tools("TransactionsCommand", *at(broker), "describe-producers", "--topic", topic, "--partition",
                    "0").splitlines()[1].split()
        assert row[0] == listed[2] and row[-1] == "0", row  # Its id, and where its transaction began.
        tools("TransactionsCommand", *at(broker), "abort", "--topic", topic, "--partition", "0", "--start-offset", "0")
        assert not stock.stored(broker, topic)
        assert len(stock.stored(broker, topic, "read_uncommitted")) == 1


def test_log_dirs_and_reassignment(tools, broker, topic, tmp_path):
    what = "sizes of the partitions; a partition reassigned to the node where it is"
    with tools.shows("kafka-log-dirs, kafka-reassign-partitions", what):
        fill(tools, broker, topic)
        out = tools("LogDirsCommand", *at(broker), "--describe", "--topic-list", topic)
        found = json.loads(out[out.index("{"):])
        sizes = {part["partition"]: part["size"] for part in found["brokers"][0]["logDirs"][0]["partitions"]}
        assert sorted(sizes) == [f"{topic}-{p}" for p in range(stock.PARTITIONS)] and all(sizes.values()), found
        plan = tmp_path / "plan.json"
        plan.write_text(json.dumps({"version": 1, "partitions": [
            {"topic": topic, "partition": p, "replicas": [1]} for p in range(stock.PARTITIONS)]}), encoding="utf-8")
        out = tools("ReassignPartitionsCommand", *at(broker), "--execute", "--reassignment-json-file", str(plan))
        assert "Successfully started partition reassignments" in out, out
        out = tools("ReassignPartitionsCommand", *at(broker), "--verify", "--reassignment-json-file", str(plan))
        assert out.count("is completed") == stock.PARTITIONS, out
