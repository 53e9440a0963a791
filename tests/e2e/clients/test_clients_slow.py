"""Stock clients whose run time is slow to start or to build, with MILLRACE_SOAK=1: franz-go, KafkaJS.

A client whose language is not on the machine is skipped, and the reason says what is missing. Nothing is fetched but
franz-go and KafkaJS at the versions named here, from the registries that the machine is set to use.
"""

import os
import re
import shutil
import statistics
import subprocess

import pytest

import stock
from broker_server import Broker
from conftest import SOAK
from kafka_server import ROOT

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


def test_franz_go_idles_at_1000_partitions_in_a_session(franz):
    program, version = franz
    with stock.shows("franz-go", version, "fetch sessions: 1,000 idle partitions cost no bytes"):
        cost = {}
        for slots in (0, 1000):
            with Broker(settings=["broker.num_partitions=1000", f"broker.fetch_sessions_max={slots}"]) as one:
                stock.make_topic(one, "idle", 1000)
                each = run(program, "idle", one.address, "idle", "20").split()
                cost[slots] = statistics.median(int(bytes) for bytes in each)  # The first ones name all partitions.
        print(f"bytes of an idle fetch: {cost[0]:.0f} without sessions, {cost[1000]:.0f} with")
        assert cost[0] > 1000 * 40 and cost[1000] < 300, cost


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
