"""Workflows with real processes: schedules, files that change, kills at every point. What ran is counted by
the lines that tasks leave in files, never by what the scheduler says of itself."""

import collections
import contextlib
import datetime
import http.server
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import threading
import time

import pytest

from conftest import MILLRACE, ROOT, micros_of, size, wait_until
from postgres_server import PostgresServer

SETTINGS = "broker:\n  listen: 'off'\nflow:\n  parallelism: 8\n  kill_grace: 2s\n"
CHAIN = """
id: chain
max_active_runs: 4
default_args: {retries: 2, retry_delay: 100ms}
tasks:
  - id: a
    type: shell
    script: |
      echo "$MILLRACE_RUN $MILLRACE_TASK" >> effects
      sleep 0.05
      echo "n=$MILLRACE_TRY_NUMBER" >> "$MILLRACE_OUTPUT"
  - {id: b, type: shell, depends_on: [a], script: "echo $MILLRACE_RUN b >> effects; sleep 0.1"}
  - {id: c, type: shell, depends_on: [a], script: "echo $MILLRACE_RUN c >> effects"}
  - {id: d, type: shell, depends_on: [b, c], script: "echo $MILLRACE_RUN d {{ outputs.a.n }} >> effects"}
"""
TICKS = """
id: ticks
schedule: {every: 1s}
catchup: all
max_active_runs: 3
tasks:
  - {id: t, type: shell, script: "echo {{ data_interval_end }} >> ticks; sleep 0.2"}
"""


class Project:
    def __init__(self, path):
        self.path = path
        self.process = None
        (path / "dags").mkdir()
        (path / "millrace.yaml").write_text(SETTINGS, encoding="utf-8")

    def dag(self, name, text):
        (self.path / "dags" / f"{name}.yaml").write_text(text, encoding="utf-8")

    def call(self, *words, good=True, timeout=120):
        ran = subprocess.run([MILLRACE, *map(str, words)], cwd=self.path, env={"PATH": "/usr/bin:/bin"},
                             capture_output=True, text=True, timeout=timeout, check=False)
        assert not good or ran.returncode == 0, ran.stderr
        return ran

    def json(self, *words):
        return json.loads(self.call(*words, "--json").stdout)

    def start(self, crash=None):
        env = {"PATH": "/usr/bin:/bin", **({"MILLRACE_CRASH": crash} if crash else {})}
        with open(self.path / "up.log", "ab") as log:
            self.process = subprocess.Popen([MILLRACE, "up"], cwd=self.path, env=env, stdout=log, stderr=log)

    def up(self):
        self.start()
        wait_until(lambda: (self.path / "data" / "owner.sock").exists() and
                   self.call("status", good=False).returncode == 0, 20, "the project to come up")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def down(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=120) == 0

    def runs(self, *words):
        return self.json("runs", "list", "--limit", "1000", *words)["runs"]

    def states(self, dag):
        return collections.Counter(run["state"] for run in self.runs("--dag", dag))

    def lines(self, name):
        path = self.path / name
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def processes(self):
        """Those that tries of this project have started, by what is in their environment."""
        found = []
        mark = f"MILLRACE_TRY={self.path}".encode()
        relative = b"MILLRACE_TRY=data/"
        for folder in pathlib.Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                environ = (folder / "environ").read_bytes()
                here = os.readlink(folder / "cwd") == str(self.path)
            except OSError:
                continue
            if mark in environ or (here and relative in environ):
                found.append(int(folder.name))
        return found

    def left_nothing(self):
        """What was killed needs a moment to go."""
        wait_until(lambda: self.processes() == [], 5, "its processes to be gone")


@pytest.fixture
def project(tmp_path):
    p = Project(tmp_path)
    yield p
    if p.process is not None and p.process.poll() is None:
        p.kill()
    for process in p.processes():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def check_chain(project, count):
    """Each task of each run left one line, in the DAG's order."""
    order = {}
    for at, line in enumerate(project.lines("effects")):
        run, task = line.split()[:2]
        assert (run, task) not in order, f"{task} of {run} ran twice"
        order[run, task] = at
    runs = {run for run, _ in order}
    assert len(runs) == count and len(order) == 4 * count
    for run in runs:
        assert order[run, "a"] < min(order[run, "b"], order[run, "c"])
        assert order[run, "d"] > max(order[run, "b"], order[run, "c"])
    assert project.states("chain") == {"success": count}


def check_ticks(project):
    """One line a second, none missing, none twice."""
    seconds = sorted(datetime.datetime.fromisoformat(line) for line in project.lines("ticks"))
    steps = {(b - a).total_seconds() for a, b in zip(seconds, seconds[1:])}
    assert len(seconds) > 1 and steps == {1.0}, seconds
    return len(seconds)


def test_a_schedule_runs_tasks_in_order_with_values_handed_on(project):
    project.dag("chain", CHAIN)
    project.dag("ticks", TICKS)
    project.up()
    run = project.json("dag", "trigger", "chain")
    wait_until(lambda: project.states("chain") == {"success": 1}, 20, "the run")
    check_chain(project, 1)
    wait_until(lambda: len(project.lines("ticks")) >= 3, 20, "three ticks")
    assert project.lines("effects")[-1] == f"{run['run_id']} d 1"
    shown = project.json("runs", "show", "chain")
    assert {task["task"]: task["state"] for task in shown["tasks"]} == dict.fromkeys("abcd", "success")
    assert shown["tasks"][0]["outputs"] == {"n": 1}
    part = next(part for part in json.loads(project.call("status", "--json").stdout)["parts"]
                if part["kind"] == "scheduler")
    assert part["state"] == "running"
    project.down()
    check_ticks(project)


def test_a_changed_file_shows_soon(project):
    project.dag("chain", CHAIN)
    project.up()
    project.dag("late", "id: late\ntasks:\n  - {id: one, type: noop}\n")
    wait_until(lambda: any(dag["dag"] == "late" for dag in project.json("dag", "list")["dags"]), 5, "the new DAG")
    project.dag("chain", CHAIN.replace("type: shell", "type: shel"))
    wait_until(lambda: project.json("dag", "list")["errors"], 5, "the error")
    listed = project.json("dag", "list")
    assert re.search(r"chain\.yaml:7:11: .*shel.*Did you mean \"shell\"", listed["errors"][0]["text"])
    assert [dag["state"] for dag in listed["dags"]] == ["broken", "on"]
    project.call("dag", "trigger", "chain")  # By its last good version.
    wait_until(lambda: project.states("chain") == {"success": 1}, 20, "the run")
    project.down()


def test_down_leaves_no_task_and_the_next_start_runs_it_again(project):
    project.dag("long", "id: long\ntasks:\n  - id: one\n    type: shell\n    script: |\n"
                        "      echo begun >> effects\n      test -f go || sleep 60\n      echo done >> effects\n")
    project.up()
    project.call("dag", "trigger", "long")
    wait_until(lambda: project.lines("effects") == ["begun"], 20, "the task")
    project.down()
    project.left_nothing()
    (project.path / "go").touch()
    project.up()
    wait_until(lambda: project.states("long") == {"success": 1}, 20, "the run")
    assert project.lines("effects") == ["begun", "begun", "done"]
    task = project.json("runs", "show", "long")["tasks"][0]
    assert (task["tries"], task["retries"]) == (2, 0)
    project.down()


def test_a_task_goes_on_while_its_scheduler_is_dead(project):
    project.dag("long", "id: long\ntasks:\n  - {id: one, type: shell, script: 'echo begun >> effects; "
                        "until [ -e go ]; do sleep 0.1; done; echo done >> effects'}\n"
                        "  - {id: two, type: shell, depends_on: [one], script: 'echo two >> effects'}\n")
    project.up()
    project.call("dag", "trigger", "long")
    wait_until(lambda: project.lines("effects") == ["begun"], 20, "the task")
    project.kill()
    assert project.processes() != []
    project.up()
    states = {task["task"]: task["state"] for task in project.json("runs", "show", "long")["tasks"]}
    assert states == {"one": "running", "two": "none"}
    (project.path / "go").touch()
    wait_until(lambda: project.states("long") == {"success": 1}, 20, "the run")
    assert project.lines("effects") == ["begun", "done", "two"]
    project.down()


def test_stop_ends_all_that_a_task_has_started(project):
    project.dag("tree", "id: tree\ntasks:\n  - {id: one, type: shell, script: 'sleep 99 & setsid sleep 99 & wait'}\n")
    project.up()
    project.call("dag", "trigger", "tree")
    wait_until(lambda: len(project.processes()) >= 3, 20, "its processes")
    project.call("runs", "stop", "tree")
    wait_until(lambda: project.states("tree") == {"cancelled": 1}, 20, "the end")
    project.left_nothing()
    project.down()


def test_a_second_scheduler_is_told_who_is_first(project):
    project.dag("chain", CHAIN)
    project.up()
    second = subprocess.run([MILLRACE, "up"], cwd=project.path, env={"PATH": "/usr/bin:/bin"}, capture_output=True,
                            text=True, timeout=120, check=False)
    assert second.returncode == 1 and str(project.process.pid) in second.stderr
    project.down()


def test_without_a_scheduler_commands_use_the_database(project):
    project.dag("chain", CHAIN)
    assert project.json("dag", "trigger", "chain")["state"] == "queued"
    assert "no scheduler runs" in project.call("runs", "why", "chain").stdout
    project.call("dag", "pause", "chain")
    assert project.json("dag", "list")["dags"][0]["state"] == "paused"
    wrong = project.call("dag", "trigger", "chian", good=False)
    assert wrong.returncode == 2 and 'Did you mean "chain"?' in wrong.stderr
    project.call("dag", "unpause", "chain")
    project.up()
    wait_until(lambda: project.states("chain") == {"success": 1}, 20, "the run")
    check_chain(project, 1)
    project.down()


def test_a_dag_is_tried_on_the_terminal(project):
    project.dag("chain", CHAIN)
    tried = project.call("dag", "test", "dags/chain.yaml", "--date", "2025-11-26")
    assert "run: success" in tried.stdout
    assert len(project.lines("effects")) == 4
    failing = "id: bad\ntasks:\n  - {id: one, type: shell, script: 'echo so; exit 3'}\n"
    project.dag("bad", failing)
    bad = project.call("dag", "test", "bad", good=False)
    assert bad.returncode == 1 and "one | so" in bad.stdout and "exit code 3" in bad.stdout
    marked = project.call("dag", "test", "bad", "--mark-success")
    assert "run: success" in marked.stdout and "one | so" not in marked.stdout
    only = project.call("task", "test", "chain", "c")
    assert "c: success" in only.stdout and project.lines("effects")[-1].endswith(" c")
    assert not (project.path / "data" / "flow.db").exists()
    project.left_nothing()


def test_no_log_is_left_out_however_many_there_are(project):
    count = 300
    project.dag("many", f"id: many\ntasks:\n  - {{id: t, type: shell, foreach: {list(range(count))},\n"
                        "     script: 'printf \"line {{ item }}\"'}\n")  # No line end: it is a line nonetheless.
    want = sorted(f"line {i}" for i in range(count))
    tried = project.call("dag", "test", "many").stdout.splitlines()
    assert sorted(line.partition(" | ")[2] for line in tried if " | " in line) == want
    project.up()
    project.call("dag", "trigger", "many")
    wait_until(lambda: project.states("many") == {"success": 1}, 60, "the run")
    shown = project.call("runs", "logs", "many")
    assert sorted(re.findall(r"line [0-9]+", shown.stdout)) == want
    assert shown.stderr.count("==> t.") == count
    project.down()


def test_tasks_get_the_projects_environment(project):
    (project.path / "millrace.yaml").write_text("broker:\n  listen: 127.0.0.1:0\n", encoding="utf-8")
    (project.path / ".env").write_text("COLOUR=green\n", encoding="utf-8")
    project.dag("env", "id: env\nschedule: '@daily'\ntimezone: Asia/Kolkata\ntasks:\n  - id: one\n    type: shell\n"
                       "    env: {SHAPE: round}\n    script: |\n"
                       "      echo $KAFKA_BOOTSTRAP_SERVERS $COLOUR $SHAPE $MILLRACE_DS > effects\n")
    project.up()
    project.call("dag", "trigger", "env", "--logical-date", "2025-11-26")
    wait_until(lambda: project.states("env") == {"success": 1}, 20, "the run")
    address = json.loads(project.call("status", "--json").stdout)["broker"]
    assert project.lines("effects") == [f"{address} green round 2025-11-26"]
    project.down()


def test_a_failed_run_is_looked_at_and_retried(project):
    project.dag("flaky", "id: flaky\ntasks:\n"
                         "  - {id: first, type: shell, script: 'echo first >> effects; "
                         "until [ -e on ]; do sleep 0.1; done; echo over'}\n"
                         "  - {id: second, type: shell, depends_on: [first], script: 'echo trying; test -f go'}\n"
                         "  - {id: third, type: noop, depends_on: [second]}\n")
    project.up()
    project.call("dag", "trigger", "flaky", "--run-id", "mine")
    why = ("runs", "why", "flaky/mine", "--task", "second")
    wait_until(lambda: "waits for first (running)" in project.call(*why).stdout, 20, "the first task")
    (project.path / "on").touch()
    followed = project.call("runs", "logs", "flaky", "-f")
    assert followed.stdout == "over\ntrying\n"
    shown = project.json("runs", "show", "flaky")
    assert [task["state"] for task in shown["tasks"]] == ["success", "failed", "upstream_failed"]
    assert shown["tasks"][1]["reason"] == "exit code 1" and shown["tasks"][1]["attempts"][0]["code"] == 1
    (project.path / "go").touch()
    assert project.json("runs", "retry", "flaky")["cleared"] == 2
    wait_until(lambda: project.states("flaky") == {"success": 1}, 20, "the retry")
    assert project.lines("effects") == ["first"]
    assert project.call("runs", "logs", "flaky", "--task", "second", "--try", "2").stdout == "trying\n"
    again = project.call("runs", "retry", "flaky", good=False)
    assert again.returncode == 2 and "has not failed" in again.stderr
    wrong = project.call("runs", "why", "flaky", "--task", "secnd", good=False)
    assert wrong.returncode == 2 or "it is over" in wrong.stdout
    assert project.call("runs", "show", "77", good=False).returncode == 2
    project.down()


def test_a_range_is_backfilled_and_a_task_cleared(project):
    project.dag("daily", "id: daily\nschedule: '@daily'\ntimezone: Asia/Kolkata\ncatchup: none\ntasks:\n"
                         "  - {id: one, type: shell, script: 'echo {{ ds }} >> effects'}\n"
                         "  - {id: two, type: noop, depends_on: [one]}\n")
    project.up()
    words = ("dag", "backfill", "daily", "--from", "2025-11-01", "--to", "2025-11-05")
    dry = project.json(*words, "--dry-run")
    assert [(run["logical_date"], run["action"]) for run in dry["runs"]][0] == ("2025-10-31T18:30:00Z", "create")
    assert len(dry["runs"]) == 5 and project.runs() == []
    assert "create" in project.call(*words, "--max-active-runs", "1", "--backwards").stdout
    wait_until(lambda: project.states("daily") == {"success": 5}, 30, "the range")
    assert project.lines("effects") == [f"2025-11-0{day}" for day in (5, 4, 3, 2, 1)]
    assert {run["action"] for run in project.json(*words)["runs"]} == {"skip"}
    project.call("runs", "clear", "daily/backfill__2025-11-01T18:30:00Z", "--task", "one", "--downstream")
    wait_until(lambda: len(project.lines("effects")) == 6, 20, "the task to run again")
    assert project.lines("effects")[-1] == "2025-11-02"
    wait_until(lambda: project.states("daily") == {"success": 5}, 20, "its run")
    wrong = project.call("dag", "backfill", "daily", "--from", "never", "--to", "2025-11-05", good=False)
    assert wrong.returncode != 0 and 'no moment: never' in wrong.stderr
    assert project.call("dag", "backfill", "daily", good=False).returncode == 2
    project.down()


def test_a_task_that_is_cleared_tells_of_its_own_work(project):
    project.dag("m", "id: m\nschedule: null\ntasks:\n  - id: merge\n    type: table.merge\n    table: t\n"
                     "    key: id\n    sql: SELECT range AS id FROM range(5)\n")
    project.up()
    project.call("dag", "trigger", "m")
    told = []
    for _ in range(3):
        wait_until(lambda: project.states("m") == {"success": 1}, 30, "the run")
        run = project.runs("--dag", "m")[0]["run_id"]
        outputs = project.json("runs", "show", f"m/{run}")["tasks"][0]["outputs"]
        told.append((outputs["inserted"], outputs["unchanged"], outputs["version"]))
        project.call("runs", "clear", f"m/{run}")
    assert told == [(5, 0, 1), (0, 5, 1), (0, 5, 1)]
    project.down()


def test_connections_of_the_projects_environment_file_are_in_templates(project):
    (project.path / ".env").write_text("MILLRACE_CONN_DB=postgres://u:swordfish@there/x\nMILLRACE_VAR_A=b\n")
    project.dag("c", "id: c\nschedule: null\ntasks:\n  - {id: t, type: shell, script: "
                     "\"echo '{{ conn.db.host }} {{ var.a }} {{ conn.db.password }}'\"}\n")
    shown = project.call("dag", "test", "c").stdout
    assert "there b ***" in shown and "swordfish" not in shown
    project.up()
    project.call("dag", "trigger", "c")
    wait_until(lambda: project.states("c") == {"success": 1}, 30, "the run")
    assert project.call("runs", "logs", "c").stdout.strip().endswith("there b ***")
    project.down()


# ---- kills -------------------------------------------------------------------------------------------


def points():
    found = set()
    for path in pathlib.Path(ROOT, "src", "flow").glob("*.c"):
        found.update(re.findall(r'mr_crash_point\("(flow\.[a-z_]+)"', path.read_text(encoding="utf-8")))
    assert len(found) >= 4
    return sorted(found)


@pytest.mark.parametrize("point", points())
def test_no_crash_point_loses_or_doubles_a_task(point, project):
    project.dag("chain", CHAIN)
    project.dag("ticks", TICKS)
    count = 2
    for _ in range(count):
        project.call("dag", "trigger", "chain")
    died = 0
    for n in (1, 3, 8, 20):
        project.start(crash=f"{point}:{n}")
        try:
            # Until the point has struck often enough, a slow machine is waited for.
            died += project.process.wait(timeout=4 if died >= 2 else 120) != 0
        except subprocess.TimeoutExpired:
            project.kill()
    assert died >= 2, "the point is hardly passed"
    project.up()
    wait_until(lambda: project.states("chain") == {"success": count}, 30, "the runs")
    project.call("dag", "pause", "ticks")
    wait_until(lambda: set(project.states("ticks")) == {"success"}, 30, "the ticks")
    check_chain(project, count)
    check_ticks(project)
    project.down()
    project.left_nothing()


def test_kills_under_load_lose_and_double_nothing(project):
    count, kills = size(12, 150), size(8, 200)
    seed = int(os.environ.get("SEED", "0")) or random.randrange(1, 1 << 32)
    print("SEED", seed)
    chance = random.Random(seed)
    project.dag("chain", CHAIN)
    project.dag("ticks", TICKS)
    for _ in range(count):
        project.call("dag", "trigger", "chain")
    for _ in range(kills):
        project.start()
        time.sleep(chance.uniform(0.02, 0.7))
        project.kill()
    project.up()
    wait_until(lambda: project.states("chain") == {"success": count}, size(60, 300), "the runs")
    project.call("dag", "pause", "ticks")
    wait_until(lambda: set(project.states("ticks")) == {"success"}, size(60, 300), "the ticks")
    check_chain(project, count)
    check_ticks(project)
    project.down()
    project.left_nothing()


# ---- two schedulers on one PostgreSQL ------------------------------------------------------------------


def test_who_holds_the_lease_runs_and_who_lost_it_changes_nothing(tmp_path):
    """The holder stands still for longer than its lease: the other one goes on; woken, it has nothing to say."""
    with PostgresServer() as server:
        settings = f"broker:\n  listen: 'off'\nflow:\n  store: '{server.url}'\n  lease: 5 seconds\n"
        both = []
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
            project = Project(tmp_path / name)
            (project.path / "millrace.yaml").write_text(settings, encoding="utf-8")
            project.dag("ticks", TICKS.replace(">> ticks; sleep 0.2", f"{name} >> {tmp_path}/ticks"))
            both.append(project)
        first, second = both

        def ticks():
            path = tmp_path / "ticks"
            return [line.split() for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

        def part(project):
            return next(part for part in json.loads(project.call("status", "--json").stdout)["parts"]
                        if part["kind"] == "scheduler")

        try:
            first.up()
            wait_until(lambda: len(ticks()) >= 2, 20, "the first scheduler")
            second.up()
            wait_until(lambda: part(second)["state"] == "waiting", 20, "the second to find the lease taken")
            assert str(first.process.pid) in part(second)["last_error"]
            count = len(ticks())
            wait_until(lambda: len(ticks()) > count, 20, "a tick")
            first.process.send_signal(signal.SIGSTOP)
            # What runs at this moment the other one cannot know: it runs it again.
            unknown = {int(us) for us, in server.sql("SELECT interval_end_us FROM run WHERE state <> 'success'")}
            wait_until(lambda: ticks()[-1][1] == "second", 40, "the second to take over")
            first.process.send_signal(signal.SIGCONT)
            wait_until(lambda: part(first)["state"] == "waiting", 20, "the first to be fenced")
            at = len(ticks())
            wait_until(lambda: len(ticks()) >= at + 3, 20, "more ticks")
            assert {name for _, name in ticks()[at:]} == {"second"}
            ran = collections.Counter(micros_of(line[0]) for line in ticks())
            assert {us for us, times in ran.items() if times > 1} <= unknown, "a tick ran twice"
            assert {b - a for a, b in zip(sorted(ran), sorted(ran)[1:])} == {1_000_000}
            second.down()
            first.down()
        finally:
            for project in both:
                if project.process is not None and project.process.poll() is None:
                    project.process.send_signal(signal.SIGCONT)
                    project.kill()


NO_TEXT = """
id: no_text
tasks:
  - {id: value, type: shell, script: 'printf "n=\\377\\n" >> $MILLRACE_OUTPUT'}
  - {id: line, type: shell, script: 'printf "xäääääääääääääääääääääääääääääääääääääääääääääääää\\n" >> $MILLRACE_OUTPUT'}
  - {id: start, type: exec, command: [LONG]}
  - {id: xstart, type: exec, command: [xLONG]}
"""


def test_a_task_that_says_no_text_harms_no_scheduler_on_postgresql(tmp_path):
    """PostgreSQL takes UTF-8 alone: what it refused once it would refuse in every later turn."""
    with PostgresServer() as server:
        project = Project(tmp_path)
        settings = f"broker:\n  listen: 'off'\nflow:\n  store: '{server.url}'\n"
        (project.path / "millrace.yaml").write_text(settings, encoding="utf-8")
        project.dag("no_text", NO_TEXT.replace("LONG", "ä" * 300))
        project.dag("chain", CHAIN)
        project.up()
        try:
            project.call("dag", "trigger", "no_text")
            wait_until(lambda: project.states("no_text") == {"failed": 1}, 30, "the run")
            shown = {t["task"]: t["reason"] for t in project.json("runs", "show", "no_text")["tasks"]}
            assert "is no UTF-8 text" in shown["value"] and "has no key" in shown["line"], shown
            assert all(shown[t].startswith("it cannot be started: ") and shown[t].endswith("ä")
                       for t in ("start", "xstart")), shown
            refused = subprocess.run([MILLRACE, "dag", "trigger", "chain", "--run-id", b"\xff"], cwd=project.path,
                                     capture_output=True, timeout=60, check=False)
            assert refused.returncode != 0
            project.call("dag", "trigger", "chain")
            wait_until(lambda: project.states("chain") == {"success": 1}, 30, "another run")
            assert "failed" not in project.lines("up.log")[-1]
            project.down()
        finally:
            if project.process.poll() is None:
                project.kill()


def test_a_pool_that_grows_lets_tasks_go_at_once(project):
    project.call("pool", "set", "narrow", "1")
    project.dag("two", """
id: two
default_args: {pool: narrow}
tasks:
  - {id: a, type: shell, script: "until [ -e go ]; do sleep 0.1; done"}
  - {id: b, type: shell, script: "until [ -e go ]; do sleep 0.1; done"}
""")
    project.up()
    project.call("dag", "trigger", "two")

    def running():
        return sum(t["state"] == "running" for t in project.json("runs", "show", "two")["tasks"])

    wait_until(lambda: running() == 1, 20, "the first")
    assert "1 of 1 slots" in project.call("runs", "why", "two").stdout
    time.sleep(1)  # Nothing else is to come.
    project.call("pool", "set", "narrow", "2")
    folders = project.path / "data/flow/logs/two"
    wait_until(lambda: len(list(folders.rglob("claim"))) == 2, 10, "the second, without being asked for")
    project.call("pool", "set", "narrow", "1")
    (project.path / "go").touch()
    wait_until(lambda: project.states("two") == {"success": 1}, 20, "the run")


# ---- connections of a DAG's own ------------------------------------------------------------------------

ADULTS = """
SET run = 'manual';
CREATE SERVER kafka FOREIGN DATA WRAPPER kafka OPTIONS (bootstrap_servers 'embedded');
CREATE FOREIGN TABLE people (id bigint NOT NULL, age bigint) SERVER kafka
  OPTIONS (topic 'input', format 'json', starting_offsets 'earliest');
CREATE FOREIGN TABLE adults () SERVER kafka OPTIONS (topic 'output', trigger '1 millisecond');
INSERT INTO adults SELECT id, age FROM people WHERE age >= 18;
"""
SECRET = """
id: secret
connections:
  - {id: site, type: http, host: localhost, port: %d, login: me, password: {secret: WORD}, extra: {X-Team: blue}}
tasks:
  - {id: ask, type: http, url: /whoami, conn: site}
  - {id: show, type: sql, sql: "SELECT '{{ conn.site.password }}' AS word", show: {rows: 1}, depends_on: ask}
"""


class Site(http.server.BaseHTTPRequestHandler):
    """Answers anything with its headers, and keeps what was posted."""

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.server.seen.append((self.command, self.path, body, dict(self.headers)))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    server = http.server.ThreadingHTTPServer(("localhost", 0), Site)
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_the_workflow_of_the_page_runs(project, site):
    """docs/workflows.md's own file, but for the port: its connection has a host alone."""
    page = pathlib.Path(ROOT, "docs/workflows.md").read_text(encoding="utf-8")
    text = next(block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "stream_consume" in block)
    assert "localhost:8000" in text
    project.dag("page", text.replace("localhost:8000", f"localhost:{site.server_port}"))
    (project.path / "millrace.yaml").write_text("broker:\n  listen: 127.0.0.1:0\n", encoding="utf-8")
    (project.path / "sql").mkdir()
    (project.path / "sql/adults.sql").write_text(ADULTS, encoding="utf-8")
    lines = [json.dumps({"id": i, "age": i}) for i in range(30)]
    (project.path / "sample.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    project.up()
    project.call("dag", "trigger", "create_produce_stream_consume")
    wait_until(lambda: project.states("create_produce_stream_consume").keys() & {"success", "failed"}, 60, "the run")
    shown = project.json("runs", "show", "create_produce_stream_consume")
    assert {t["task"]: t["state"] for t in shown["tasks"]} == dict.fromkeys(
        ("site_is_up", "create", "produce", "stream", "consume", "tell"), "success"), shown
    assert [seen[:3] for seen in site.seen] == [("GET", "/health", ""), ("POST", "/done", '{"rows":12}')]


def test_a_connections_secret_reaches_its_task_and_no_log(project, site):
    project.dag("secret", SECRET % site.server_port)
    subprocess.run([MILLRACE, "secret", "set", "WORD"], cwd=project.path, input="hunter22", text=True, check=True,
                   capture_output=True)
    project.up()
    project.call("dag", "trigger", "secret")
    wait_until(lambda: project.states("secret") == {"success": 1}, 30, "the run")
    headers = site.seen[0][3]
    assert headers["Authorization"] == "Basic bWU6aHVudGVyMjI=" and headers["X-Team"] == "blue"
    logs = "".join(p.read_text(encoding="utf-8") for p in (project.path / "data/flow/logs").rglob("log"))
    assert "***" in logs and "hunter22" not in logs
    # Nor does it stay in what the tries were told.
    assert not [p for p in (project.path / "data/flow/logs").rglob("launch.json") if b"hunter22" in p.read_bytes()]


def test_the_end_of_a_run_is_told_however_it_ended(project, site):
    url = f"http://localhost:{site.server_port}/over"
    project.dag("over", f"""
id: over
params: {{how: well}}
on_exit: [{{script: "echo {{{{ params.how }}}} {{{{ state }}}} >> ends"}}, {{webhook: "{url}"}}]
tasks:
  - {{id: a, type: shell, env: {{HOW: "{{{{ params.how }}}}"}},
     script: 'echo $HOW >> begins; [ "$HOW" != badly ]; [ "$HOW" != stopped ] || sleep 60'}}
""")
    project.up()
    for count, (how, state) in enumerate((("well", "success"), ("badly", "failed"), ("stopped", "cancelled"))):
        run = project.json("dag", "trigger", "over", "--param", f"how={how}")["run"]
        if how == "stopped":
            wait_until(lambda: "stopped" in project.lines("begins"), 20, "its task")
            project.call("runs", "stop", run)
        wait_until(lambda: project.states("over")[state] == 1, 20, "the run")
        assert project.lines("ends")[count:] == [f"{how} {state}"]
        said = json.loads(site.seen[-1][2])
        assert len(site.seen) == count + 1 and said["event"] == "on_exit" and said["details"]["state"] == state


REASON = """
id: reason
tasks:
  - {id: stored, type: http, url: "http://127.0.0.1:1/x?key={{ conn.pg.password }}"}
  - {id: given, type: http, conn: api, url: /x, request_timeout: 5s, body: "{{ conn.api.password }}"}
  - {id: shown, type: shell, script: "echo $MILLRACE_CONN_API; exit 1"}
  - {id: look, type: wait, sql: "SELECT error('{{ conn.pg.password }}')"}
"""


def test_a_secret_is_in_no_reason_and_no_log(project):
    project.call("conn", "add", "pg", "postgres://u:hunter22@h/db")
    (project.path / ".env").write_text("MILLRACE_CONN_API=http://me:swordfish@127.0.0.1:1\n", encoding="utf-8")
    project.dag("reason", REASON)
    project.up()
    project.call("dag", "trigger", "reason")
    wait_until(lambda: project.states("reason") == {"failed": 1}, 30, "the run")
    tasks = {t["task"]: t for t in project.json("runs", "show", "reason")["tasks"]}
    assert {t["state"] for t in tasks.values()} == {"failed"}, tasks
    assert "key=***" in tasks["stored"]["reason"], tasks
    shown = project.call("runs", "show", "reason").stdout + json.dumps(tasks)
    shown += "".join(p.read_text(encoding="utf-8", errors="replace") for p in
                     (project.path / "data/flow/logs").rglob("*") if p.is_file())
    assert "***" in shown and "hunter22" not in shown and "swordfish" not in shown
