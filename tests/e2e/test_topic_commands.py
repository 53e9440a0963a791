"""The commands topic and group against a cluster: what they say is what Kafka's own tools say.

The clusters are real Kafka and our own broker: both give the same answers, to Kafka's tools as well.
"""

import json
import os
import re
import subprocess
import time
import uuid

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from broker_server import Broker
from conftest import MILLRACE
from kafka_server import LIBS

CLUSTERS = ["kafka", "broker"]


@pytest.fixture(scope="module")
def broker():
    with Broker(settings=["broker.auto_create_topics=false", "broker.num_partitions=3"]) as started:
        yield started


@pytest.fixture(scope="module", params=CLUSTERS)
def cluster(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def name(cluster):
    """A name for a topic or group of this test alone."""
    return f"t-{uuid.uuid4().hex[:8]}"


def millrace(cluster, *words, code=0, stdin=None, timeout=120):
    done = subprocess.run([MILLRACE, *words, "--bootstrap", cluster.address], capture_output=True, text=True,
                          input=stdin, timeout=timeout, check=False)
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done if code else done.stdout


def rows(text):
    return [json.loads(line) for line in text.splitlines()]


def tool(cluster, main, *words):
    """One of Kafka's own tools."""
    done = subprocess.run(["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", os.path.join(LIBS, "*"), main,
                           "--bootstrap-server", cluster.address, *words], capture_output=True, text=True,
                          timeout=300, check=True)
    return done.stdout


def produce(cluster, topic, counts, timestamp=None):
    """counts[p] records into partition p."""
    producer = Producer({"bootstrap.servers": cluster.address})
    for partition, count in enumerate(counts):
        for i in range(count):
            at = {} if timestamp is None else {"timestamp": timestamp + i * 1000}
            producer.produce(topic, f"{partition}-{i}".encode(), partition=partition, **at)
    assert producer.flush(120) == 0


def commit(cluster, group, topic, offsets):
    consumer = Consumer({"bootstrap.servers": cluster.address, "group.id": group, "enable.auto.commit": False})
    consumer.commit(offsets=[TopicPartition(topic, p, o) for p, o in offsets.items()], asynchronous=False)
    consumer.close()


def committed(cluster, group):
    """{(topic, partition): offset} as the command describes them."""
    group = rows(millrace(cluster, "group", "describe", group, "--json"))[0]
    return {(p["topic"], p["partition"]): p["committed"] for p in group["partitions"]}


# ---- topics --------------------------------------------------------------------------------------------


def test_topic_is_made_shown_changed_and_deleted(cluster, name):
    millrace(cluster, "topic", "create", name, "--partitions", "4", "--config", "retention.ms=86400000")
    produce(cluster, name, [3, 0, 5, 1])
    listed = {row["topic"]: row for row in rows(millrace(cluster, "topic", "list", "--json"))}
    assert listed[name] == {"topic": name, "partitions": 4, "replicas": 1, "internal": False}
    topic = rows(millrace(cluster, "topic", "describe", name, "--json"))[0]
    assert topic["configs"] == {"retention.ms": "86400000"}
    assert [(p["partition"], p["first"], p["next"]) for p in topic["partitions"]] == [
        (0, 0, 3), (1, 0, 0), (2, 0, 5), (3, 0, 1)]
    def sizes():
        described = rows(millrace(cluster, "topic", "describe", name, "--json"))[0]
        return [p["bytes"] for p in described["partitions"] if p["next"]]
    if isinstance(cluster, Broker):  # Kafka itself may say 0 for a long while.
        assert all(size is not None and size > 0 for size in sizes()), sizes()
    else:
        assert len(sizes()) == 3
    # Kafka's tools say the same of it.
    described = tool(cluster, "org.apache.kafka.tools.TopicCommand", "--describe", "--topic", name)
    assert "PartitionCount: 4" in described and "retention.ms=86400000" in described
    assert [int(leader) for leader in re.findall(r"Leader: (\d+)", described)] == [
        p["leader"] for p in topic["partitions"]]
    offsets = tool(cluster, "org.apache.kafka.tools.GetOffsetShell", "--topic", name)
    assert sorted(offsets.split()) == [f"{name}:{p['partition']}:{p['next']}" for p in topic["partitions"]]

    millrace(cluster, "topic", "alter", name, "--partitions", "6", "--config", "retention.ms=", "--config",
             "cleanup.policy=compact")
    topic = rows(millrace(cluster, "topic", "describe", name, "--json"))[0]
    assert len(topic["partitions"]) == 6 and topic["configs"] == {"cleanup.policy": "compact"}
    everything = rows(millrace(cluster, "topic", "describe", name, "--json", "--all"))[0]["configs"]
    assert everything["retention.ms"] and len(everything) > 20

    millrace(cluster, "topic", "delete", name)
    assert name not in {row["topic"] for row in rows(millrace(cluster, "topic", "list", "--json"))}


def test_topic_errors_say_what_to_do(cluster, name):
    millrace(cluster, "topic", "create", name, "--partitions", "2")
    again = millrace(cluster, "topic", "create", name, code=1).stderr
    assert "already exists" in again and "--if-not-exists" in again
    millrace(cluster, "topic", "create", name, "--if-not-exists")
    near = millrace(cluster, "topic", "describe", name + "x", code=1).stderr
    assert f'there is no topic "{name}x"' in near and f'Did you mean "{name}"?' in near
    fewer = millrace(cluster, "topic", "alter", name, "--partitions", "1", code=1).stderr
    assert "has 2 partitions already" in fewer and "not taken away" in fewer
    assert "no.such" in millrace(cluster, "topic", "alter", name, "--config", "no.such=1", code=1).stderr
    assert "characters" in millrace(cluster, "topic", "create", "../../etc", code=1).stderr
    assert "nothing to alter" in millrace(cluster, "topic", "alter", name, code=2).stderr
    assert 'does not know "frob"' in millrace(cluster, "topic", "frob", code=2).stderr
    millrace(cluster, "topic", "delete", name)
    gone = millrace(cluster, "topic", "delete", name, code=1).stderr
    assert f'there is no topic "{name}"' in gone
    millrace(cluster, "topic", "delete", name, "--if-exists")


def test_nobody_at_the_address():
    done = subprocess.run([MILLRACE, "topic", "list", "--bootstrap", "127.0.0.1:1"], capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == 1
    assert "cannot connect to 127.0.0.1:1" in done.stderr and "--bootstrap" in done.stderr


def test_the_address_is_found(cluster, tmp_path):
    """--bootstrap before the environment before the project's broker, as pipelines have it."""
    def run(folder, *words, servers=""):
        return subprocess.run([MILLRACE, "topic", "list", *words], cwd=folder, capture_output=True, text=True, timeout=120,
                              env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": servers}, check=False)

    assert "127.0.0.1:2" in run(tmp_path, servers="127.0.0.1:2").stderr
    assert run(tmp_path, servers=cluster.address).returncode == 0
    (tmp_path / "millrace.yaml").write_text("")
    (tmp_path / "data" / "broker").mkdir(parents=True)
    (tmp_path / "data" / "broker" / "address").write_text(cluster.address + "\n")
    (tmp_path / "sql").mkdir()
    assert run(tmp_path / "sql").returncode == 0
    assert "127.0.0.1:2" in run(tmp_path, servers="127.0.0.1:2").stderr
    assert run(tmp_path, "--bootstrap", cluster.address, servers="127.0.0.1:2").returncode == 0


# ---- groups --------------------------------------------------------------------------------------------


def java_group(cluster, group):
    """{(topic, partition): (committed, end, lag)} as Kafka's tool says."""
    out = tool(cluster, "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", "--describe", "--group", group,
               "--timeout", "120000")
    found = {}
    for line in out.splitlines():
        words = line.split()
        if len(words) >= 6 and words[0] == group:
            found[words[1], int(words[2])] = tuple(int(w) for w in words[3:6])
    return found


def test_group_lag_is_that_of_kafkas_tool(cluster, name):
    millrace(cluster, "topic", "create", name, "--partitions", "3")
    produce(cluster, name, [10, 20, 0])
    commit(cluster, name, name, {0: 4, 1: 20, 2: 0})
    group = rows(millrace(cluster, "group", "describe", name, "--json"))[0]
    ours = {(p["topic"], p["partition"]): (p["committed"], p["next"], p["lag"]) for p in group["partitions"]}
    assert ours == {(name, 0): (4, 10, 6), (name, 1): (20, 20, 0), (name, 2): (0, 0, 0)} == java_group(cluster, name)
    assert group["state"] == "Empty" and group["members"] == []
    listed = {row["group"]: row for row in rows(millrace(cluster, "group", "list", "--json"))}
    assert listed[name]["state"] == "Empty"


def test_group_with_members_keeps_its_offsets(cluster, name):
    millrace(cluster, "topic", "create", name, "--partitions", "2")
    produce(cluster, name, [5, 5])
    consumer = Consumer({"bootstrap.servers": cluster.address, "group.id": name, "client.id": "reader",
                         "auto.offset.reset": "earliest"})
    consumer.subscribe([name])
    end = time.monotonic() + 240
    while not consumer.assignment():
        consumer.poll(0.2)
        assert time.monotonic() < end
    group = rows(millrace(cluster, "group", "describe", name, "--json"))[0]
    assert [m["client"] for m in group["members"]] == ["reader"]
    assert {(p["partition"], p["member"]) for p in group["partitions"]} == {
        (p, group["members"][0]["member"]) for p in (0, 1)}
    refused = millrace(cluster, "group", "reset-offsets", name, "--topic", name, "--to-earliest", "--execute", code=1)
    assert "has 1 member" in refused.stderr and "Stop its consumers" in refused.stderr
    assert "not empty" in millrace(cluster, "group", "delete", name, code=1).stderr
    consumer.close()


def test_group_goes_wherever_it_is_sent(cluster, name, tmp_path):
    start = 1_700_000_000_000  # So long ago that retention would take it.
    millrace(cluster, "topic", "create", name, "--partitions", "2", "--config", "retention.ms=-1")
    produce(cluster, name, [10, 10], timestamp=start)
    commit(cluster, name, name, {0: 3, 1: 7})

    def reset(*words):
        millrace(cluster, "group", "reset-offsets", name, "--execute", *words)
        got = committed(cluster, name)
        return [got.get((name, p)) for p in range(2)]

    millrace(cluster, "group", "reset-offsets", name, "--to-earliest")
    assert committed(cluster, name) == {(name, 0): 3, (name, 1): 7}, "without --execute nothing is changed"
    assert reset("--shift-by", "2") == [5, 9]
    assert reset("--shift-by", "-100") == [0, 0]
    assert reset("--shift-by", "100") == [10, 10]
    assert reset("--to-offset", "4") == [4, 4]
    assert reset("--to-offset", "400") == [10, 10]
    assert reset("--topic", f"{name}:1", "--to-earliest") == [10, 0]
    assert reset("--to-current") == [10, 0]
    assert reset("--to-time", str(start + 2500)) == [3, 3]
    assert reset("--to-time", "2023-11-14T22:13:27Z") == [7, 7]
    assert reset("--to-time", "-1h") == [10, 10]
    assert reset("--to-earliest") == [0, 0]
    plan = tmp_path / "offsets.csv"
    plan.write_text(millrace(cluster, "group", "reset-offsets", name, "--to-offset", "6", "--csv"))
    assert plan.read_text() == f"{name},0,6\n{name},1,6\n"
    assert reset("--from-file", str(plan)) == [6, 6]
    assert {at: got[0] for at, got in java_group(cluster, name).items()} == {(name, 0): 6, (name, 1): 6}
    plan.write_text(f"{name},0,6\nnonsense\n")
    bad = millrace(cluster, "group", "reset-offsets", name, "--from-file", str(plan), code=1).stderr
    assert "offsets.csv:2" in bad and "TOPIC,PARTITION,OFFSET" in bad
    two = millrace(cluster, "group", "reset-offsets", name, "--to-latest", "--to-earliest", code=2).stderr
    assert "wants one place" in two
    millrace(cluster, "group", "delete", name)
    assert "there is no group" in millrace(cluster, "group", "delete", name, code=1).stderr


def test_a_new_group_can_be_given_offsets(cluster, name):
    millrace(cluster, "topic", "create", name, "--partitions", "2")
    produce(cluster, name, [3, 3])
    nothing = millrace(cluster, "group", "reset-offsets", name, "--to-latest", code=2).stderr
    assert "has committed no offsets" in nothing and "--topic" in nothing
    shift = millrace(cluster, "group", "reset-offsets", name, "--topic", name, "--shift-by", "1", code=1).stderr
    assert "no offset" in shift and "to shift" in shift
    millrace(cluster, "group", "reset-offsets", name, "--topic", name, "--to-latest", "--execute")
    assert committed(cluster, name) == {(name, 0): 3, (name, 1): 3}
