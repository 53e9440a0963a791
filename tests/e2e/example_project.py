"""An example as a project that is up: its own folder, its own broker, its workflows in a store of one's choice."""

import json
import os
import re
import shutil
import subprocess
import uuid

import yaml
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from conftest import EXAMPLES, MILLRACE, wait_until


class ExampleProject:
    """A copy of examples/<name>; up() starts it, close() ends it.

    url    where its runs are kept; None: in its data folder
    env    more of the environment, of the program and of all that its tasks start
    timed  with its schedules; else no clock starts a run while a test counts them
    """

    def __init__(self, name, folder, url=None, env=None, timed=False, **sections):
        self.path = folder / name
        self.url = url
        shutil.copytree(f"{EXAMPLES}/{name}", self.path, ignore=shutil.ignore_patterns("data"))
        for dag in [] if timed else (self.path / "dags").iterdir():
            dag.write_text(re.sub(r"(?m)^schedule:.*", "schedule: null", dag.read_text(encoding="utf-8")), encoding="utf-8")
        self.env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **(env or {})}
        settings = {"broker": {"listen": "127.0.0.1:0"}, "flow": {"kill_grace": "2s", **({"store": url} if url else {})},
                    **sections}
        (self.path / "millrace.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")

    def call(self, *words, good=True, timeout=120):
        ran = subprocess.run([MILLRACE, *map(str, words)], cwd=self.path, env=self.env, capture_output=True, text=True,
                             timeout=timeout, check=False)
        assert not good or ran.returncode == 0, f"{words}: {ran.stderr}\n{ran.stdout}"
        return ran

    def json(self, *words):
        return json.loads(self.call(*words, "--json").stdout)

    def up(self):
        self.call("up", "--detach")
        return self

    def close(self):
        self.call("down", good=False)

    def address(self):
        return self.json("status")["broker"]

    def run(self, *words, state="success"):
        """Starts a run with these words of `dag trigger`, waits for its end; ret: what `runs show` says."""
        return self.ended(self.json("dag", "trigger", *words)["run"], state)

    def ended(self, run, state="success", timeout=120):
        """Waits for a run's end."""
        last = {}

        def over():
            last.update(self.json("runs", "show", run))
            return last["state"] not in ("queued", "running")
        wait_until(over, timeout, f"the end of run {run}")
        assert last["state"] == state, f"{last}\n{self.call('runs', 'logs', run).stdout}"
        return last

    def log(self, run, task):
        return self.call("runs", "logs", run, "--task", task).stdout.splitlines()

    def rows(self, table):
        """The pattern of a table's Parquet files."""
        return str(self.path / "data" / "lake" / table / "**" / "*.parquet")


def outputs(shown, task):
    """The outputs of a task, by key."""
    return next(row for row in shown["tasks"] if row["task"] == task)["outputs"]


def states(shown):
    return {row["task"]: row["state"] for row in shown["tasks"]}


def new_database(server):
    """The address of an empty database of a PostgreSQL server."""
    name = f"d{uuid.uuid4().hex[:12]}"
    server.sql(f"CREATE DATABASE {name}", database="postgres")
    return server.url_of(name)


# ---- topics, by a client of others --------------------------------------------------------------------


def produce(address, topic, values, partitions=3):
    """values: what is written as JSON, in turn to each partition."""
    producer = Producer({"bootstrap.servers": address, "linger.ms": 5})
    failed = []
    for i, value in enumerate(values):
        producer.produce(topic, json.dumps(value), partition=i % partitions,
                         on_delivery=lambda error, _: failed.append(error) if error is not None else None)
        producer.poll(0)
    assert producer.flush(120) == 0 and not failed, failed


def records(address, topic):
    """All that is committed: (key, value) in the order of each partition, keys as texts, values from JSON."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": uuid.uuid4().hex, "enable.partition.eof": True,
                         "enable.auto.commit": False, "isolation.level": "read_committed"})
    partitions = consumer.list_topics(topic, 120).topics[topic].partitions
    consumer.assign([TopicPartition(topic, p, 0) for p in partitions])
    found, ends = [], 0
    while ends < len(partitions):
        message = consumer.poll(120)
        assert message is not None, f"{topic} is silent"
        if message.error() is None:
            found.append((message.key() and message.key().decode(), json.loads(message.value())))
        else:
            assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
            ends += 1
    consumer.close()
    return found
