"""A project that is up: broker, pipelines and services in one process, started, told, changed and killed."""

import json
import os
import pathlib
import signal
import subprocess
import time

import pytest

from conftest import MILLRACE, read_all, wait_until

PIPELINE = """
CREATE SERVER kafka FOREIGN DATA WRAPPER kafka;
CREATE SERVER lines FOREIGN DATA WRAPPER jsonl;
CREATE FOREIGN TABLE events (id int, name text, t timestamptz OPTIONS (watermark '1 second'))
  SERVER kafka OPTIONS (topic 'events', format 'json', starting_offsets 'earliest', partitions '3');
CREATE FOREIGN TABLE {table} () SERVER lines OPTIONS (trigger '20 milliseconds');
INSERT INTO {table} SELECT id, upper(name) AS name FROM events WHERE {where};
"""
TO_TOPIC = """
CREATE SERVER kafka FOREIGN DATA WRAPPER kafka;
CREATE FOREIGN TABLE events (id int, name text, t timestamptz OPTIONS (watermark '1 second'))
  SERVER kafka OPTIONS (topic 'events', format 'json', starting_offsets 'earliest', partitions '3');
CREATE FOREIGN TABLE twice () SERVER kafka OPTIONS (topic 'twice', key 'name', partitions '2', trigger '20 milliseconds');
INSERT INTO twice SELECT id, name, 2 * id AS twice FROM events;
"""


class Project:
    def __init__(self, path):
        self.path = path
        (path / "sql").mkdir()
        (path / "millrace.yaml").write_text("broker:\n  listen: 127.0.0.1:0\n", encoding="utf-8")

    def sql(self, name, text):
        (self.path / "sql" / f"{name}.sql").write_text(text, encoding="utf-8")

    def call(self, *words, good=True, text=None, timeout=120):
        env = {"PATH": "/usr/bin:/bin"}
        ran = subprocess.run([MILLRACE, *map(str, words)], cwd=self.path, env=env, capture_output=True, text=True,
                             timeout=timeout, input=text, check=False)
        assert not good or ran.returncode == 0, ran.stderr
        return ran

    def up(self):
        self.call("up", "--detach")
        return self.status()

    def status(self):
        return json.loads(self.call("status", "--json").stdout)

    def part(self, name):
        return next(part for part in self.status()["parts"] if part["name"] == name)

    def address(self):
        return self.status()["broker"]

    def rows(self, table):
        found = []
        folder = self.path / "data" / "lake" / table
        for path in sorted(folder.glob("*.jsonl")):
            found += [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return found

    def produce(self, ids, topic="events"):
        from confluent_kafka import Producer
        producer = Producer({"bootstrap.servers": self.address(), "linger.ms": 5, "enable.idempotence": True})
        failed = []
        for i in ids:
            value = json.dumps({"id": i, "name": f"n{i % 10}", "t": f"2026-01-01T00:{i // 60 % 60:02}:{i % 60:02}Z"})
            producer.produce(topic, value, key=str(i),
                             on_delivery=lambda error, _: failed.append(error) if error is not None else None)
            producer.poll(0)
        assert producer.flush(120) == 0 and not failed, failed


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path)
    yield project
    subprocess.run([MILLRACE, "down"], cwd=tmp_path, capture_output=True, timeout=240, check=False)


def alive(session):
    """Whether a process of this session is left; one that nobody has waited for is not."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8") as stat:
                state, _, _, its_session = stat.read().rsplit(")", 1)[1].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            continue  # It has ended meanwhile.
        if its_session == str(session) and state != "Z":
            return True
    return False


def ids(rows):
    return sorted(row["id"] for row in rows)


def test_rows_go_through_one_process(project):
    project.sql("plain", PIPELINE.format(table="out", where="true"))
    status = project.up()
    assert status["parts"][0]["name"] == "plain" and status["parts"][0]["state"] == "running"
    project.produce(range(1000))
    wait_until(lambda: len(project.rows("out")) >= 1000, 30, "rows in the table")
    assert ids(project.rows("out")) == list(range(1000))
    wait_until(lambda: project.part("plain")["rows"] == 1000, 10, "the count")  # Of an epoch that is over.
    assert project.part("plain")["bad_rows"] == 0
    project.call("down")
    assert "nothing is up" in project.call("status", good=False).stderr


def test_a_topic_is_a_sink_exactly_once_through_kills(project):
    project.sql("copy", TO_TOPIC)
    project.up()
    done = 0
    for life in range(4):
        project.produce(range(done, done + 500))
        done += 500
        time.sleep(0.05 * life)
        os.kill(project.status()["process"], signal.SIGKILL)
        wait_until(lambda: project.call("status", good=False).returncode != 0, 10, "its end")
        project.up()
    wait_until(lambda: len(read_all(project.address(), "twice")) >= done, 30, "rows in the topic")
    rows = [json.loads(m.value()) for m in read_all(project.address(), "twice")]
    assert ids(rows) == list(range(done)) and all(row["twice"] == 2 * row["id"] for row in rows)


def test_files_are_picked_up(project):
    project.up()
    assert project.status()["parts"] == []
    project.sql("one", PIPELINE.format(table="out", where="id < 100"))
    wait_until(lambda: any(p["name"] == "one" and p["state"] == "running" for p in project.status()["parts"]), 10,
               "the new pipeline")
    project.produce(range(200))
    wait_until(lambda: len(project.rows("out")) == 100, 20, "rows of the first query")
    (project.path / "sql" / "one.sql").unlink()
    wait_until(lambda: project.status()["parts"] == [], 10, "the pipeline's end")


def test_a_broken_pipeline_stops_no_other_and_says_why(project):
    project.sql("good", PIPELINE.format(table="out", where="true"))
    project.sql("bad", "SELECT nonsense FROM nowhere;\n")
    project.up()
    project.produce(range(50))
    wait_until(lambda: len(project.rows("out")) == 50, 20, "rows of the good one")
    wait_until(lambda: "sql/bad.sql:1" in project.part("bad").get("last_error", ""), 10, "the bad one's error")
    assert "sql/bad.sql:1" in project.call("logs", "bad").stdout
    project.sql("bad", PIPELINE.format(table="mended", where="true"))
    wait_until(lambda: project.part("bad")["state"] == "running", 20, "the mended one")
    wait_until(lambda: len(project.rows("mended")) == 50, 20, "its rows")


def test_stop_start_pause_restart(project):
    project.sql("plain", PIPELINE.format(table="out", where="true"))
    project.up()
    project.produce(range(10))
    wait_until(lambda: len(project.rows("out")) == 10, 20, "rows")
    project.call("stream", "pause", "plain")
    wait_until(lambda: project.part("plain")["state"] == "paused", 10, "the pause")
    project.produce(range(10, 20))
    project.call("down")
    project.up()
    assert project.part("plain")["state"] == "paused", "a pause outlives the process"
    assert len(project.rows("out")) == 10
    project.call("stream", "resume", "plain")
    wait_until(lambda: len(project.rows("out")) == 20, 20, "rows after the pause")
    project.call("stream", "stop", "plain.sql")
    wait_until(lambda: project.part("plain")["state"] == "stopped", 10, "the stop")
    project.call("stream", "start", "plain")
    project.call("restart", "plain")
    wait_until(lambda: project.part("plain")["state"] == "running", 10, "the restart")
    wrong = project.call("stream", "stop", "plian", good=False)
    assert wrong.returncode == 2 and 'Did you mean "plain"?' in wrong.stderr


def test_services(project):
    (project.path / "millrace.yaml").write_text(
        "broker:\n  listen: 127.0.0.1:0\nservices:\n"
        "  talker: 'echo at $KAFKA_BOOTSTRAP_SERVERS; sleep 1000 & wait'\n  dies: 'echo dead; exit 3'\n", "utf-8")
    project.up()
    wait_until(lambda: "status 3" in project.part("dies").get("last_error", ""), 10, "its failure")
    wait_until(lambda: f"at {project.address()}" in project.call("logs", "talker").stdout, 10, "its words")
    process = project.part("talker")["process"]
    assert alive(process)
    project.call("down")
    wait_until(lambda: not alive(process), 10, "its processes to be gone")


def test_a_pipeline_with_a_services_name_is_refused(project):
    (project.path / "millrace.yaml").write_text(
        "broker:\n  listen: 127.0.0.1:0\nservices:\n  x: 'exec sleep 1000'\n", "utf-8")
    project.up()
    process = project.part("x")["process"]
    for name in ("x", "scheduler"):
        project.sql(name, PIPELINE.format(table="out", where="true"))
    said = lambda name: f"pipeline {name} cannot start" in (project.path / "data/logs/up.log").read_text("utf-8")
    wait_until(lambda: said("x") and said("scheduler"), 10, "the refusals")
    project.sql("x", PIPELINE.format(table="out", where="id > 1"))
    project.sql("other", PIPELINE.format(table="out", where="true"))
    wait_until(lambda: any(p["name"] == "other" for p in project.status()["parts"]), 10, "the next look")
    assert [(p["kind"], p["process"]) for p in project.status()["parts"]
            if p["name"] == "x" and p["state"] == "running"] == [("service", process)]


def test_a_service_log_is_cut(project):
    (project.path / "millrace.yaml").write_text(
        "broker:\n  listen: 127.0.0.1:0\nservices:\n"
        "  chatty: 'yes 0123456789 | head -c 17000000; echo done; exec sleep 1000'\n", "utf-8")
    project.up()
    log, old = project.path / "data/logs/chatty.log", project.path / "data/logs/chatty.log.1"
    wait_until(lambda: old.exists() and log.exists() and log.stat().st_size < 1000000, 20, "the cut log")
    assert old.stat().st_size > 16 << 20


def test_a_service_that_does_not_end_costs_nothing_while_it_stops(project):
    (project.path / "millrace.yaml").write_text(
        "broker:\n  listen: 127.0.0.1:0\nservices:\n  deaf: 'trap \"\" TERM; while :; do sleep 1; done'\n", "utf-8")
    project.up()
    process = project.status()["process"]
    wait_until(lambda: project.part("deaf")["state"] == "running", 10, "the service")
    down = subprocess.Popen([MILLRACE, "down"], cwd=project.path, stdout=subprocess.DEVNULL)
    time.sleep(2)  # It looks for its file once a second.
    turns = lambda: sum(int(line.split()[1]) for line in
                        pathlib.Path(f"/proc/{process}/status").read_text().splitlines() if "ctxt_switches" in line)
    before = turns()
    time.sleep(3)
    assert turns() - before < 200
    assert down.wait(120) == 0


def test_one_owner(project):
    project.up()
    again = project.call("up", good=False)
    assert again.returncode == 1 and "in use by process" in again.stderr
    again = project.call("up", "--detach", good=False)
    assert again.returncode == 1 and "is up already" in again.stderr


def test_a_bad_setting_is_told(project):
    (project.path / "millrace.yaml").write_text("broker:\n  lisen: 127.0.0.1:0\n", encoding="utf-8")
    ran = project.call("up", good=False)
    assert ran.returncode == 2 and "millrace.yaml:2" in ran.stderr and 'Did you mean "listen"?' in ran.stderr
    ran = project.call("up", "--detach", good=False)
    assert ran.returncode != 0 and "lisen" in ran.stderr


def test_down_deletes_the_data(project):
    project.up()
    project.call("down", "--delete-data")
    assert not (project.path / "data").exists()


def test_a_run_beside_it_reads_over_the_wire(project):
    project.up()
    project.produce(range(100))
    project.sql("beside", PIPELINE.format(table="out", where="true").replace(
        "-- ", "") + "\nSET run = 'manual';\n")
    project.call("run", "sql/beside.sql", "--until", "available-now")
    assert ids(project.rows("out")) == list(range(100))


def test_a_run_alone_opens_the_log_itself(project):
    project.up()
    project.produce(range(100))
    project.call("down")
    project.sql("alone", PIPELINE.format(table="out", where="true"))
    project.call("run", "sql/alone.sql", "--until", "available-now")
    assert ids(project.rows("out")) == list(range(100))


def test_a_run_has_one_data_folder(project):
    project.sql("alone", PIPELINE.format(table="out", where="true"))
    above = project.path.parent
    ran = subprocess.run([MILLRACE, "run", f"{project.path.name}/sql/alone.sql", "--until", "available-now",
                          "--data", "kept"], cwd=above, capture_output=True, text=True, timeout=60, check=True)
    assert (above / "kept" / "broker").is_dir() and (above / "kept" / "state").is_dir(), ran.stderr
    assert not (project.path / "kept").exists() and not (project.path / "data").exists()


def test_idle_costs_nothing(project):
    project.up()
    took = []
    while not took or min(took) >= 0.15:  # What was busy comes to rest.
        assert len(took) < 10, took
        before = project.status()
        time.sleep(3)
        after = project.status()
        took.append(after["cpu_seconds"] - before["cpu_seconds"])
    assert after["memory_bytes"] < 40 << 20
