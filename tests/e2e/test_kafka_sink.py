"""The Kafka sink against a real Kafka: keys, values, and every row exactly once whatever is killed when."""

import json
import os
import re
import signal
import subprocess
import time
import uuid

import pytest
from confluent_kafka.admin import AdminClient

from conftest import MILLRACE, ROOT, read_all, start

PIPELINE = """
CREATE SERVER files FOREIGN DATA WRAPPER file;
CREATE SERVER kafka FOREIGN DATA WRAPPER kafka OPTIONS (bootstrap_servers '{address}');
CREATE FOREIGN TABLE events (id int, name text, t timestamptz OPTIONS (watermark '1 second'))
  SERVER files OPTIONS (path 'events.jsonl', format 'json');
CREATE FOREIGN TABLE out () SERVER kafka OPTIONS (topic '{topic}', partitions '3', trigger '1 millisecond'{options});
INSERT INTO out SELECT id, name, id * 2 AS twice FROM events;
"""
ROWS = 3000


@pytest.fixture
def project(tmp_path, kafka):
    with open(tmp_path / "events.jsonl", "w", encoding="utf-8") as out:
        for i in range(ROWS):
            name = None if i % 7 == 0 else f"n{i % 50}"
            out.write(json.dumps({"id": i, "name": name, "t": f"2026-01-01T00:{i // 60 % 60:02}:{i % 60:02}Z"}) + "\n")

    def make(**options):
        topic = f"out-{uuid.uuid4().hex[:8]}"
        words = "".join(f", {name} '{value}'" for name, value in options.items())
        (tmp_path / "p.sql").write_text(
            PIPELINE.format(address=kafka.address, topic=topic, options=words), encoding="utf-8")
        return tmp_path, topic
    return make


def run(folder, *words, env=None):
    return subprocess.run(
        [MILLRACE, "run", "p.sql", "--until", "end", "-c", "exec.epoch_rows=400", "-c", "exec.chunk_bytes=8KiB", *words],
        cwd=folder, env={"PATH": "/usr/bin:/bin", **(env or {})}, capture_output=True, text=True, timeout=300,
        check=False)


def check(records, keyed=False):
    rows = [json.loads(m.value()) for m in records]
    assert sorted(row["id"] for row in rows) == list(range(ROWS))
    for m, row in zip(records, rows):
        assert row["twice"] == 2 * row["id"]
        assert ("name" in row) == (row["id"] % 7 != 0), "a NULL is left out"
        if keyed:
            assert m.key() == (None if "name" not in row else row["name"].encode())


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_rows_are_records(project, kafka, compression):
    folder, topic = project(compression=compression)
    ran = run(folder)
    assert ran.returncode == 0, ran.stderr
    check(read_all(kafka.address, topic))


def test_a_key_decides_the_partition_as_in_javas_clients(project, kafka):
    folder, topic = project(key="name")
    ran = run(folder, "-c", "exec.workers=1")  # Several stage the rows of an epoch in any order.
    assert ran.returncode == 0, ran.stderr
    records = read_all(kafka.address, topic)
    check(records, keyed=True)
    from kafka.partitioner.default import murmur2
    by_key = {}
    for m in records:
        assert m.key() is None or m.partition() == (murmur2(m.key()) & 0x7FFFFFFF) % 3
        by_key.setdefault(m.key(), []).append(json.loads(m.value())["id"])
    for key, ids in by_key.items():
        assert key is None or ids == sorted(ids), "the order of a key is kept"


def test_text_values(project, kafka):
    folder, topic = project(value_format="text")
    ran = run(folder)
    assert ran.returncode != 0 and "one column" in ran.stderr and "p.sql:" in ran.stderr
    text = (folder / "p.sql").read_text(encoding="utf-8")
    (folder / "p.sql").write_text(text.replace("SELECT id, name, id * 2 AS twice", "SELECT 'v' || id AS v"), "utf-8")
    ran = run(folder)
    assert ran.returncode == 0, ran.stderr
    assert sorted(m.value() for m in read_all(kafka.address, topic)) == sorted(b"v%d" % i for i in range(ROWS))


def test_unknown_key(project):
    folder, _ = project(key="nmae")
    ran = run(folder)
    assert ran.returncode != 0
    assert 'no column "nmae"' in ran.stderr and 'Did you mean "name"?' in ran.stderr


def points():
    text = open(os.path.join(ROOT, "src", "conn", "sink_kafka.c"), encoding="utf-8").read()
    return re.findall(r'mr_crash_point\("([a-z_.]+)"', text) + ["commit.synced", "publish.before", "publish.after"]


@pytest.mark.parametrize("point", points())
@pytest.mark.parametrize("nth", [1, 3])
def test_a_crash_loses_and_doubles_nothing(project, kafka, point, nth):
    folder, topic = project(key="name")
    ran = run(folder, env={"MILLRACE_CRASH": f"{point}:{nth}"})
    assert ran.returncode in (-signal.SIGKILL, 137) or point == "commit.synced", ran.stderr
    ran = run(folder)
    assert ran.returncode == 0, ran.stderr
    check(read_all(kafka.address, topic), keyed=True)


def test_killed_at_any_moment(project, kafka):
    folder, topic = project()
    for wait in (0.05, 0.1, 0.15, 0.25, 0.3, 0.4):
        life = start("run", "p.sql", "--until", "end", "-c", "exec.epoch_rows=100", "-c", "exec.chunk_bytes=4KiB",
                     cwd=folder)
        time.sleep(wait)
        life.signal(signal.SIGKILL)
        life.wait(30)
    ran = run(folder)
    assert ran.returncode == 0, ran.stderr
    check(read_all(kafka.address, topic))
    # What is uncommitted is aborted: nothing is left open that would stop readers.
    assert len(read_all(kafka.address, topic, "read_uncommitted")) >= ROWS


def test_the_topic_is_made_with_its_settings(project, kafka):
    folder, topic = project(topic_config="retention.ms=1234567, cleanup.policy=compact", key="name")
    ran = run(folder)
    assert ran.returncode == 1 and "A compacted topic takes no record without a key" in ran.stderr
    from confluent_kafka.admin import ConfigResource
    admin = AdminClient({"bootstrap.servers": kafka.address})
    resource = ConfigResource("topic", topic)
    found = admin.describe_configs([resource])[resource].result(120)
    assert found["retention.ms"].value == "1234567" and found["cleanup.policy"].value == "compact"


def test_a_second_run_of_the_same_pipeline_elsewhere_is_fenced(project, kafka, tmp_path_factory):
    folder, topic = project()
    assert run(folder).returncode == 0
    # The same pipeline with a state of its own publishes its own rows: another incarnation.
    ran = run(folder, "--data", str(tmp_path_factory.mktemp("other")))
    assert ran.returncode == 0, ran.stderr
    assert len(read_all(kafka.address, topic)) == 2 * ROWS


