"""Workflows beside Apache Airflow on one machine in one run: hand-off, tasks a second, idling, a new file.

Both run a chain of 40 tasks, each of which reads what the one before put out, and many tasks that wait for nothing,
among 100 DAGs in 100 files. A hand-off is the time from the end of a task to the start of the one behind it: by what
each system notes of its tasks, and by the stamps that the tasks themselves leave in a file, from the last one of a
task to the first one of the next, which has the start of bash or Python in it. Airflow runs as its manual has it for
one machine: scheduler, DAG processor and API server, LocalExecutor, settings as delivered, on a PostgreSQL that need
not sync; its tasks are Python functions that hand over by XCom, ours are scripts that hand over by outputs.
"""

import datetime
import json
import os
import shutil
import signal
import statistics
import subprocess
import time

import answers  # noqa: F401 It knows the folder of postgres_server.
from broker import Up
from common import MILLRACE, ROOT, Failure, say
from watch import TICK, Disturbance, memory_bytes

from kafka_server import free_ports
from postgres_server import PostgresServer

HANDOFF_MAX_MS = 10
TASKS_MIN = 500  # A second.
IDLE_MAX_MB = 25
LATE_MAX_S = 1
TIMES_MIN = 100  # Airflow's hand-off.
VERSION = "3.1.3"
AIRFLOW = os.path.join(ROOT, "build", "deps", "venv-airflow", "bin", "airflow")
LATE_S = 200  # How long a new file is waited for, all in all. Airflow looks for such every 300 s.
SETTLE_S = 2  # Then supervisors that wait for another try are gone; ticks of the CPU's time are lost in many.
FAR = "2100-01-01"  # DAGs that never run have their first tick then.


class Size:
    """How much is run; the small one shows that it works."""

    def __init__(self, quick):
        self.dags, self.chain = (10, 8) if quick else (100, 40)
        self.wide, self.wide_here = (10, 100) if quick else (100, 1000)
        self.chains_here = 3 if quick else 15
        self.idle_s = 5 if quick else 20
        self.late_s = 0 if quick else LATE_S


# ---- processes ---------------------------------------------------------------------------------------


def tree(roots):
    """{pid: CPU seconds with those of its children that have ended} of processes and all below them."""
    parents, cpu = {}, {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stat:
                    fields = stat.read().rpartition(")")[2].split()
            except OSError:
                continue  # It ended meanwhile.
            parents[int(name)], cpu[int(name)] = int(fields[1]), sum(map(int, fields[11:15])) / TICK
    found = set(roots) & set(cpu)
    while more := {pid for pid, parent in parents.items() if parent in found and pid not in found}:
        found |= more
    return {pid: cpu[pid] for pid in found}


def idle(roots, seconds):
    """(bytes, pages that are shared counted once; share of one core) of processes that have nothing to do."""
    time.sleep(SETTLE_S)
    before = tree(roots)
    time.sleep(seconds)
    after = tree(roots)
    # One that ended moved its time to its parent.
    return memory_bytes(after), max(0.0, sum(after.values()) - sum(before.values())) / seconds


def wait_until(what, seconds, look, every=0.2):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if got := look():
            return got
        time.sleep(every)
    raise Failure(f"{what}: not in {seconds:.0f} s")


# ---- what the tasks leave ----------------------------------------------------------------------------


def read_stamps(path):
    """[(task, "begin" or "end", seconds)] in order of writing."""
    with open(path, encoding="ascii") as lines:
        return [(task, what, float(at)) for task, what, at in map(str.split, lines)]


def check_chain(stamps, length):
    """Whether each task ran once, after the one before; ret the hand-offs in ms by the stamps."""
    expected = [(f"t{i:02}", what) for i in range(length) for what in ("begin", "end")]
    if [stamp[:2] for stamp in stamps] != expected:
        raise Failure(f"the chain's tasks left {len(stamps)} stamps, not one pair each in order")
    return [(begin[2] - end[2]) * 1e3 for end, begin in zip(stamps[1::2], stamps[2::2])]


def check_wide(stamps, count):
    if sorted(stamp[:2] for stamp in stamps) != [(f"w{i:04}", "end") for i in range(count)]:
        raise Failure(f"{count} tasks left {len(stamps)} stamps, not one each")


def handoffs(times):
    """ms between the tasks of a chain, of [(start, end)] in order."""
    return [(start - end) * 1e3 for (_, end), (start, _) in zip(times, times[1:])]


def a_second(times):
    return len(times) / (max(end for _, end in times) - min(start for start, _ in times))


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


# ---- here --------------------------------------------------------------------------------------------

_STEP = """  - id: t{i:02}
    type: shell{behind}
    script: |
      echo "t{i:02} begin $EPOCHREALTIME" >> {stamps}
      echo "n=$(({before} + 1))" >> "$MILLRACE_OUTPUT"
      echo "t{i:02} end $EPOCHREALTIME" >> {stamps}
"""


class Here:
    """millrace up with the DAGs in its folder."""

    name = "millrace"

    def __init__(self, folder, size):
        self.folder, self.size, self.up = folder, size, None
        dags = os.path.join(folder, "dags")
        os.makedirs(dags)
        chain = "id: chain\ntasks:\n"
        for i in range(size.chain):
            before = f"{{{{ outputs.t{i - 1:02}.n }}}}" if i else "0"
            behind = f"\n    depends_on: [t{i - 1:02}]" if i else ""
            chain += _STEP.format(i=i, before=before, behind=behind, stamps=os.path.join(folder, "chain"))
        texts = {"chain": chain}
        for count in {size.wide, size.wide_here}:
            wide = f"id: wide{count}\nmax_active_tasks: {count}\ntasks:\n"
            for i in range(count):
                wide += (f"  - {{id: w{i:04}, type: shell, script: 'echo \"w{i:04} end $EPOCHREALTIME\" >> "
                         f"{os.path.join(folder, 'wide')}'}}\n")
            texts[f"wide{count}"] = wide
        for i in range(size.dags - len(texts)):
            texts[f"idle_{i}"] = self._idle(f"idle_{i}")
        for name, text in texts.items():
            with open(os.path.join(dags, f"{name}.yaml"), "w", encoding="utf-8") as out:
                out.write(text)

    @staticmethod
    def _idle(name):
        return (f"id: {name}\nschedule: '@daily'\nstart_date: {FAR}\ntasks:\n  - {{id: a, type: shell, script: ':'}}\n"
                "  - {id: b, type: shell, script: ':', depends_on: [a]}\n")

    def _call(self, *words):
        done = subprocess.run([MILLRACE, *words, "--json"], cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"millrace {' '.join(words)}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def start(self):
        self.up = Up(self.folder)
        wait_until("millrace's DAGs", 60, lambda: len(self._call("dag", "list")["dags"]) == self.size.dags)

    def roots(self):
        return [self.up.process.pid]

    def cpu_seconds(self):
        return sum(tree(self.roots()).values()) if self.up else 0.0

    def run(self, dag, timeout):
        """ret [(start, end)] of its tasks in order, in seconds."""
        self._call("dag", "trigger", dag)

        def ended():
            run = self._call("runs", "list", "--limit", "1")["runs"][0]
            return run if run["state"] not in ("queued", "running") else None
        run = wait_until(f"millrace's {dag}", timeout, ended)
        if run["state"] != "success":
            raise Failure(f"millrace's {dag} ended {run['state']}")
        tasks = sorted(self._call("runs", "show", str(run["run"]))["tasks"], key=lambda task: task["task"])
        if dag == "chain" and tasks[-1]["outputs"] != {"n": self.size.chain}:
            raise Failure(f"millrace's chain gave {tasks[-1]['outputs']}")
        attempts = [task["attempts"][-1] for task in tasks]
        return [tuple(datetime.datetime.fromisoformat(one[at]).timestamp() for at in ("started", "ended"))
                for one in attempts]

    def save_late(self):
        path = os.path.join(self.folder, "dags", "late.yaml")
        with open(f"{path}.new", "w", encoding="utf-8") as out:
            out.write(self._idle("late"))
        os.rename(f"{path}.new", path)

    def sees_late(self):
        return any(dag["dag"] == "late" for dag in self._call("dag", "list")["dags"])

    def stop(self):
        if self.up:
            self.up.stop()


# ---- Airflow -----------------------------------------------------------------------------------------

_HEAD = """import datetime
import time
from airflow.sdk import DAG, task
def stamp(path, text):
    with open(path, "a") as out:
        out.write(f"{text} {time.time():.6f}\\n")
"""
_CHAIN = _HEAD + """
with DAG("chain", schedule=None):
    @task
    def step(n, i):
        stamp("FOLDER/chain", f"t{i:02} begin")
        n += 1
        stamp("FOLDER/chain", f"t{i:02} end")
        return n
    value = 0
    for i in range(COUNT):
        value = step.override(task_id=f"t{i:02}")(value, i)
"""
_WIDE = _HEAD + """
with DAG("wideCOUNT", schedule=None, max_active_tasks=COUNT):
    @task
    def one(i):
        stamp("FOLDER/wide", f"w{i:04} end")
    for i in range(COUNT):
        one.override(task_id=f"w{i:04}")(i)
"""
_IDLE = _HEAD + """
with DAG("NAME", schedule="@daily", start_date=datetime.datetime(2100, 1, 1), catchup=False):
    @task
    def a():
        return 1
    @task
    def b(n):
        return n
    b(a())
"""


class Airflow:
    """Airflow's three services on a PostgreSQL of their own; each is stopped by its process id."""

    name = "Airflow"

    def __init__(self, folder, size):
        if not os.access(AIRFLOW, os.X_OK):
            raise Failure(f"no Airflow {VERSION}: run scripts/setup bench")
        self.folder, self.size, self.services, self.postgres = folder, size, [], PostgresServer()
        dags, port = os.path.join(folder, "dags"), free_ports(2)
        os.makedirs(dags)
        texts = {"chain": _CHAIN.replace("COUNT", str(size.chain)),
                 f"wide{size.wide}": _WIDE.replace("COUNT", str(size.wide))}
        for i in range(size.dags - len(texts)):
            texts[f"idle_{i}"] = _IDLE.replace("NAME", f"idle_{i}")
        for name, text in texts.items():
            with open(os.path.join(dags, f"{name}.py"), "w", encoding="utf-8") as out:
                out.write(text.replace("FOLDER", folder))
        settings = {
            "CORE__LOAD_EXAMPLES": "False", "CORE__EXECUTOR": "LocalExecutor", "CORE__DAGS_FOLDER": dags,
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False", "CORE__FERNET_KEY": "",
            "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port[0]}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True", "API__HOST": "127.0.0.1", "API__PORT": str(port[0]),
            "API__BASE_URL": f"http://127.0.0.1:{port[0]}", "API__SECRET_KEY": "bench" * 8,
            "API_AUTH__JWT_SECRET": "bench" * 8, "LOGGING__WORKER_LOG_SERVER_PORT": str(port[1]),
            "USAGE_DATA_COLLECTION__ENABLED": "False",
        }
        self.env = {"PATH": f"{os.path.dirname(AIRFLOW)}:/usr/bin:/bin", "HOME": folder, "LC_ALL": "C.UTF-8",
                    "AIRFLOW_HOME": folder, "PYTHONWARNINGS": "ignore",
                    **{f"AIRFLOW__{name}": value for name, value in settings.items()}}

    def start(self):
        self.postgres.__enter__()
        self.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = self.postgres.url.replace("://", "+psycopg2://", 1)
        self._call("db", "migrate", timeout=180)
        for service in ("api-server", "scheduler", "dag-processor"):
            with open(os.path.join(self.folder, f"{service}.log"), "wb") as log:
                self.services.append(subprocess.Popen([AIRFLOW, service], env=self.env, cwd=self.folder, stdout=log,
                                                      stderr=log, start_new_session=True))
        wait_until("Airflow's DAGs", 240, lambda: self._dags() == self.size.dags)

    def _dags(self, condition="TRUE"):
        for service in self.services:
            if service.poll() is not None:
                raise Failure(f"Airflow's {service.args[1]} ended with {service.returncode}, see {self.folder}")
        return int(self.postgres.sql(f"SELECT count(DISTINCT dag_id) FROM serialized_dag WHERE {condition}")[0][0])

    def _call(self, *words, timeout=60):
        done = subprocess.run([AIRFLOW, *words], env=self.env, cwd=self.folder, capture_output=True, text=True,
                              timeout=timeout, check=False)
        if done.returncode != 0:
            raise Failure(f"airflow {' '.join(words)}: {(done.stdout + done.stderr)[-800:]}")

    def roots(self):
        return [service.pid for service in self.services]

    def cpu_seconds(self):
        return sum(tree(self.roots()).values())

    def run(self, dag, timeout):
        self._call("dags", "trigger", dag)

        def ended():
            state = self.postgres.sql(f"SELECT state FROM dag_run WHERE dag_id = '{dag}'")[0][0]
            return state if state not in ("queued", "running") else None
        state = wait_until(f"Airflow's {dag}", timeout, ended, every=1)
        if state != "success":
            raise Failure(f"Airflow's {dag} ended {state}")
        if dag == "chain":
            last = self.postgres.sql(
                f"SELECT value FROM xcom WHERE dag_id = 'chain' AND task_id = 't{self.size.chain - 1:02}'")
            if last != [[str(self.size.chain)]]:
                raise Failure(f"Airflow's chain gave {last}")
        return [(float(start), float(end)) for start, end in self.postgres.sql(
            "SELECT extract(epoch FROM start_date), extract(epoch FROM end_date) FROM task_instance "
            f"WHERE dag_id = '{dag}' ORDER BY task_id")]

    def save_late(self):
        path = os.path.join(self.folder, "dags", "late.py")
        with open(f"{path}.new", "w", encoding="utf-8") as out:
            out.write(_IDLE.replace("NAME", "late"))
        os.rename(f"{path}.new", path)

    def sees_late(self):
        return self._dags("dag_id = 'late'") == 1

    def stop(self):
        for service in self.services:
            if service.poll() is None:
                service.send_signal(signal.SIGTERM)
        for service in self.services:
            below = tree([service.pid])
            try:
                service.wait(30)
            except subprocess.TimeoutExpired:
                for pid in below:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                service.wait()
        self.postgres.__exit__()


# ---- both --------------------------------------------------------------------------------------------


def _run_chains(system, times):
    """ret (hand-offs by the system's notes, by stamps), in ms."""
    noted, stamped = [], []
    for _turn in range(times):
        path = os.path.join(system.folder, "chain")
        if os.path.exists(path):
            os.remove(path)
        noted += handoffs(system.run("chain", 600))
        stamped += check_chain(read_stamps(path), system.size.chain)
    return noted, stamped


def _run_wide(system, count):
    """ret (tasks a second, CPU seconds a task)."""
    path = os.path.join(system.folder, "wide")
    if os.path.exists(path):
        os.remove(path)
    time.sleep(SETTLE_S)
    before = system.cpu_seconds()
    times = system.run(f"wide{count}", 600)
    time.sleep(SETTLE_S)
    used = system.cpu_seconds() - before
    check_wide(read_stamps(path), count)
    return a_second(times), used / count


def _measure(system, size):
    """ret the figures of one system that is up."""
    system.save_late()
    saved, seen = time.monotonic(), None

    def late():
        nonlocal seen
        if seen is None and system.sees_late():
            seen = time.monotonic() - saved
        return seen
    if isinstance(system, Here):
        wait_until("a new file", 30, late, every=0.002)
        _run_chains(system, 1)  # Fills caches; the log of its database has its size then.
    noted, stamped = _run_chains(system, size.chains_here if isinstance(system, Here) else 1)
    late()
    row = {"system": system.name, "handoffs": len(noted), "p50_ms": statistics.median(noted),
           "p99_ms": percentile(noted, 0.99), "stamps_p50_ms": statistics.median(stamped),
           "stamps_p99_ms": percentile(stamped, 0.99)}
    row["tasks_per_second"], row["cpu_per_task"] = _run_wide(system, size.wide)
    late()
    if isinstance(system, Here):
        row["tasks_per_second_of_1000"] = statistics.median(_run_wide(system, size.wide_here)[0] for _ in range(3))
    row["idle_bytes"], row["idle_cpu"] = idle(system.roots(), size.idle_s)
    while late() is None and time.monotonic() - saved < size.late_s:
        time.sleep(1)
    row["late_s"], row["late_waited_s"] = seen, time.monotonic() - saved
    return row


def _run_one(kind, bench):
    folder = os.path.join(bench.work, f"flow-{kind.name}")
    shutil.rmtree(folder, ignore_errors=True)
    say(f"flow: {kind.name}")
    system = kind(folder, Size(bench.quick))
    try:
        system.start()
        others = Disturbance(system.cpu_seconds)
        row = _measure(system, system.size)
        row["others_share"] = round(others.share(), 3)
        return row
    finally:
        system.stop()


def run(bench):
    """ret {"rows": [figures of each system], "others_share"}; with "error", rows are those that there are."""
    got = {"rows": []}
    try:
        for kind in (Here, Airflow):
            got["rows"].append(_run_one(kind, bench))
    except (Failure, RuntimeError, subprocess.TimeoutExpired) as failure:
        got["error"] = f"{kind.name}: {failure}"
    got["others_share"] = max((row["others_share"] for row in got["rows"]), default=0.0)
    return got


# ---- the page ----------------------------------------------------------------------------------------


def _late(row):
    return f"{row['late_s']:.3g} s" if row["late_s"] is not None else f"> {row['late_waited_s']:.0f} s"


def table(rows):
    lines = ["| | hand-off p50 | p99 | by stamps p50 | p99 | tasks/s | of 1,000 | CPU a task | idle memory | idle CPU "
             "| a new file is seen after | others |", "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for row in rows:
        many = row.get("tasks_per_second_of_1000")
        lines.append(
            f"| {row['system']} | {row['p50_ms']:,.1f} ms | {row['p99_ms']:,.1f} ms | {row['stamps_p50_ms']:,.1f} ms "
            f"| {row['stamps_p99_ms']:,.1f} ms | {row['tasks_per_second']:,.1f} | {f'{many:,.0f}' if many else ''} "
            f"| {row['cpu_per_task'] * 1e3:,.1f} ms | {row['idle_bytes'] / 1e6:,.1f} MB | {row['idle_cpu']:.1%} "
            f"| {_late(row)} | {row['others_share']:.0%} |")
    return "\n".join(lines)
