"""Stock clients whose run time is slow to start or to build, with MILLRACE_SOAK=1: Kafka's Java tools, franz-go, KafkaJS.

A client whose language is not on the machine is skipped, and the reason says what is missing. Nothing is fetched but
franz-go and KafkaJS at the versions named here, from the registries that the machine is set to use.
"""

import glob
import json
import os
import re
import shutil
import subprocess

import pytest

import stock
from broker_server import Broker, java
from conftest import SOAK
from kafka_server import LIBS, ROOT

pytestmark = pytest.mark.skipif(not SOAK, reason="only with MILLRACE_SOAK=1")
COUNT = 300
KAFKAJS = "2.2.4"
DEADLINE_S = 120


@pytest.fixture(scope="module")
def broker():
    with Broker() as one:
        yield one


@pytest.fixture
def topic(broker, request):
    return stock.make_topic(broker, re.sub(r"[^a-zA-Z0-9._-]", "-", request.node.name))


def check_round_trip(broker, topic, lines):
    """lines: what the client under test has read, as it printed it."""
    stock.same(stock.from_lines(lines), stock.records(COUNT))
    stock.same(stock.stored(broker, topic), stock.as_bytes(stock.records(COUNT)))
    assert stock.lag(broker, topic, topic) == 0


def check_copied(broker, topic, output, lines):
    """The committed copy is seen, the aborted one before it lies there unseen, and the group's offsets came with the copy."""
    stock.same(stock.from_lines(lines), stock.records(COUNT))
    stock.same(stock.stored(broker, output), stock.as_bytes(stock.records(COUNT)))
    assert len(stock.stored(broker, output, "read_uncommitted")) == 2 * COUNT
    assert stock.lag(broker, topic, topic) == 0


def run(*args, env=None):
    done = subprocess.run(args, capture_output=True, timeout=DEADLINE_S, check=False, env={**os.environ, **(env or {})})
    assert done.returncode == 0, (args, done.stderr.decode()[-3000:])
    return done.stdout.decode()


# ---- Kafka's own tools ---------------------------------------------------------------------------------


def kafka_version():
    jar, = glob.glob(os.path.join(LIBS, "kafka-tools-[0-9]*.jar"))
    return re.search(r"kafka-tools-([0-9.]+)\.jar", jar).group(1)


def tool(main, *args, stdin=None):
    done = java(main, *args, stdin=stdin)
    err = done.stderr.decode()
    assert done.returncode == 0 and "Exception" not in err and "ERROR" not in err, (main, args, err[-3000:])
    return done.stdout.decode()


def offsets(broker, topic, time="latest"):
    """Sum of the offsets of all partitions, by kafka-get-offsets."""
    out = tool("org.apache.kafka.tools.GetOffsetShell", "--bootstrap-server", broker.address, "--topic", topic,
               "--time", time)
    found = {int(line.split(":")[1]): int(line.split(":")[2]) for line in out.split()}
    assert sorted(found) == list(range(stock.PARTITIONS)), out
    return sum(found.values())


def events(out):
    """The JSON lines of the verifiable tools, by their names."""
    by_name = {}
    for line in out.splitlines():
        event = json.loads(line)
        by_name.setdefault(event["name"], []).append(event)
    return by_name


def test_java_console(broker, topic):
    with stock.shows("Java: kafka-console-producer, kafka-console-consumer", kafka_version(), stock.ROUND_TRIP):
        tool("kafka.tools.ConsoleProducer", "--bootstrap-server", broker.address, "--topic", topic,
             "--property", "parse.key=true", "--property", "parse.headers=true",
             stdin=stock.to_lines(stock.records(COUNT)).encode())
        done = java("org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", broker.address,
                    "--topic", topic, "--group", topic, "--from-beginning", "--max-messages", str(COUNT),
                    "--timeout-ms", "60000", "--property", "print.key=true", "--property", "print.headers=true")
        assert done.returncode == 0, done.stderr.decode()
        check_round_trip(broker, topic, done.stdout.decode())


def test_java_consumer_groups(broker, topic):
    what = "lag before and after a reset to the end"
    with stock.shows("Java: kafka-consumer-groups", kafka_version(), what):
        tool("kafka.tools.ConsoleProducer", "--bootstrap-server", broker.address, "--topic", topic,
             "--property", "parse.key=true", stdin="".join(f"{i}\tv\n" for i in range(COUNT)).encode())
        for where, lag in (("--to-earliest", COUNT), ("--to-latest", 0)):
            group = ("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", "--bootstrap-server",
                     broker.address, "--group", topic)
            tool(*group, "--topic", topic, "--reset-offsets", where, "--execute")
            rows = [line.split() for line in tool(*group, "--describe").splitlines() if line.startswith(topic)]
            assert len(rows) == stock.PARTITIONS
            assert sum(int(row[5]) for row in rows) == lag == stock.lag(broker, topic, topic), rows


def test_java_verifiable(broker, topic):
    what = "each record acknowledged, each read once in a group, committed, lag 0"
    with stock.shows("Java: VerifiableProducer, VerifiableConsumer", kafka_version(), what):
        sent = events(tool("org.apache.kafka.tools.VerifiableProducer", "--bootstrap-server", broker.address,
                           "--topic", topic, "--max-messages", str(COUNT), "--repeating-keys", "10"))
        assert len(sent["producer_send_success"]) == COUNT and "producer_send_error" not in sent
        places = {(event["partition"], event["offset"]): event["value"] for event in sent["producer_send_success"]}
        read = events(tool("org.apache.kafka.tools.VerifiableConsumer", "--bootstrap-server", broker.address,
                           "--topic", topic, "--group-id", topic, "--max-messages", str(COUNT), "--verbose"))
        assert {(event["partition"], event["offset"]): event["value"] for event in read["record_data"]} == places
        assert len(read["record_data"]) == COUNT
        assert all(event["success"] for event in read["offsets_committed"])
        assert stock.lag(broker, topic, topic) == 0


@pytest.mark.parametrize("transactions", [False, True])
def test_java_performance(broker, topic, transactions):
    what = "20,000 records in transactions of 50 ms" if transactions else "20,000 records, read in a group"
    with stock.shows("Java: kafka-producer-perf-test, kafka-consumer-perf-test", kafka_version(), what):
        out = tool("org.apache.kafka.tools.ProducerPerformance", "--topic", topic, "--num-records", "20000",
                   "--record-size", "100", "--throughput", "-1", "--producer-props",
                   f"bootstrap.servers={broker.address}",
                   *(["--transactional-id", topic, "--transaction-duration-ms", "50"] if transactions else []))
        assert "20000 records sent" in out, out
        values = [value for _, value, _ in stock.stored(broker, topic)]
        assert len(values) == 20000 and all(len(value) == 100 for value in values)
        out = tool("org.apache.kafka.tools.ConsumerPerformance", "--bootstrap-server", broker.address, "--topic", topic,
                   "--messages", "20000", "--group", topic, "--hide-header")
        assert float(out.split(",")[4]) == 20000, out


def test_java_transactions(broker, topic):
    what = "TransactionalMessageCopier: a copy with random aborts has every record once"
    with stock.shows("Java: transactions", kafka_version(), what):
        output = stock.make_topic(broker, f"{topic}-out")
        tool("kafka.tools.ConsoleProducer", "--bootstrap-server", broker.address, "--topic", topic,
             "--property", "parse.key=true", "--property", "parse.headers=true",
             stdin=stock.to_lines(stock.records(COUNT)).encode())
        tool("org.apache.kafka.tools.TransactionalMessageCopier", "--broker-list", broker.address,
             "--input-topic", topic, "--input-partition", "0", "--group-mode", "--use-group-metadata",
             "--output-topic", output, "--consumer-group", topic, "--transactional-id", topic,
             "--transaction-size", "40", "--enable-random-aborts")
        values = [(key, value) for key, value, _ in stock.stored(broker, output)]  # It copies no headers.
        assert sorted(values) == sorted((key, value) for key, value, _ in stock.as_bytes(stock.records(COUNT)))
        assert stock.lag(broker, topic, topic) == 0


def test_java_offsets_and_deleted_records(broker, topic, tmp_path):
    what = "earliest and latest, before and after records are deleted"
    with stock.shows("Java: kafka-get-offsets, kafka-delete-records", kafka_version(), what):
        tool("kafka.tools.ConsoleProducer", "--bootstrap-server", broker.address, "--topic", topic,
             "--property", "parse.key=true", stdin="".join(f"{i}\tv\n" for i in range(COUNT)).encode())
        assert (offsets(broker, topic, "earliest"), offsets(broker, topic)) == (0, COUNT)
        parts = [{"topic": topic, "partition": p, "offset": 10} for p in range(stock.PARTITIONS)]
        request = tmp_path / "offsets.json"
        request.write_text(json.dumps({"partitions": parts, "version": 1}), encoding="utf-8")
        out = tool("org.apache.kafka.tools.DeleteRecordsCommand", "--bootstrap-server", broker.address,
                   "--offset-json-file", str(request))
        assert out.count("low_watermark: 10") == stock.PARTITIONS, out
        assert (offsets(broker, topic, "earliest"), offsets(broker, topic)) == (10 * stock.PARTITIONS, COUNT)
        assert len(stock.stored(broker, topic)) == COUNT - 10 * stock.PARTITIONS


# ---- franz-go ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def franz(tmp_path_factory):
    """The program and franz-go's version."""
    go = shutil.which("go") or "/usr/local/go/bin/go"
    if not os.access(go, os.X_OK):
        pytest.skip("no Go: franz-go is not tried")
    source, env = os.path.join(stock.HERE, "franz"), {**os.environ, "GOTOOLCHAIN": "local"}
    got = subprocess.run([go, "mod", "download"], cwd=source, env=env, capture_output=True, text=True, check=False)
    if got.returncode != 0:
        pytest.skip(f"franz-go cannot be fetched, or wants a newer Go: {got.stderr[-500:]}")
    program = tmp_path_factory.mktemp("franz") / "franz"
    subprocess.run([go, "build", "-p", "2", "-o", str(program), "."], cwd=source, env=env, check=True)
    with open(os.path.join(source, "go.mod"), encoding="utf-8") as file:
        return str(program), re.search(r"franz-go v(\S+)", file.read()).group(1)


def test_franz_go(broker, topic, franz):
    program, version = franz
    with stock.shows("franz-go", version, stock.ROUND_TRIP):
        check_round_trip(broker, topic, run(program, "round", broker.address, topic, str(COUNT)))


def test_franz_go_transactions(broker, topic, franz):
    program, version = franz
    with stock.shows("franz-go", version, stock.TRANSACTIONS):
        output = stock.make_topic(broker, f"{topic}-out")
        run(program, "round", broker.address, topic, str(COUNT))
        stock.reset(broker, topic, topic)
        check_copied(broker, topic, output, run(program, "copy", broker.address, topic, str(COUNT), output))


# ---- KafkaJS -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kafkajs():
    """Runs the program with its arguments."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("no Node.js with npm: KafkaJS is not tried")
    home = os.path.join(ROOT, "build", "deps", f"kafkajs-{KAFKAJS}")
    modules = os.path.join(home, "node_modules")
    if not os.path.exists(os.path.join(modules, "kafkajs", "package.json")):
        got = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", home,
                              f"kafkajs@{KAFKAJS}"], capture_output=True, text=True, check=False)
        if got.returncode != 0:
            pytest.skip(f"KafkaJS cannot be fetched: {got.stderr[-500:]}")
    client = os.path.join(stock.HERE, "kafkajs", "client.js")
    return lambda *args: run("node", client, *args, env={"NODE_PATH": modules})


def test_kafkajs(broker, topic, kafkajs):
    with stock.shows("KafkaJS", KAFKAJS, stock.ROUND_TRIP):
        check_round_trip(broker, topic, kafkajs("round", broker.address, topic, str(COUNT)))


def test_kafkajs_transactions(broker, topic, kafkajs):
    with stock.shows("KafkaJS", KAFKAJS, stock.TRANSACTIONS):
        output = stock.make_topic(broker, f"{topic}-out")
        kafkajs("round", broker.address, topic, str(COUNT))
        stock.reset(broker, topic, topic)
        check_copied(broker, topic, output, kafkajs("copy", broker.address, topic, str(COUNT), output))
