"""Side by side on one machine: Spark, librdkafka, simdjson and millrace over the same retail events.

    bench/run [--events 2000000] [--cores N] [--runs 1] [--only spark-udf,spark-builtin,consume,simdjson,...]

What is measured
  spark-udf, spark-builtin   examples/retail/spark/app.py, whole (both outputs), local[N], available-now. Its
                     time runs from the start of its first batch to the end of its last, as its own progress
                     states them, so the JVM's start does not count. CPU is taken over the same span.
  consume            librdkafka, consume and discard, from the first record to the last
  simdjson           On-Demand over the same bytes in memory, one thread
  millrace-kafka, millrace-file   examples/retail/sql/retail.sql, --until end; the time of the whole process,
                     its start included

The output of Spark and millrace is compared with DuckDB's answer first; what fails has no figure. CPU and
memory are those of the process and all its children, sampled while it runs; the broker's CPU is apart. "First
row" is the time from the start of the process until a reader sees the first row of the Parquet table.
"""

import argparse
import datetime
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))

import duckdb  # noqa: E402

import oracle  # noqa: E402
from kafka_server import KafkaServer  # noqa: E402

PARTITIONS = 3
TOPIC = "events"
SEED = 1
OTHERS_SHARE_MAX = 0.05
RETAIL = os.path.join(ROOT, "examples", "retail")
TICK = os.sysconf("SC_CLK_TCK")
SYSTEMS = ["spark-udf", "spark-builtin", "consume", "simdjson", "millrace-kafka", "millrace-file"]


class Failure(Exception):
    """A run that has no figure, with the reason."""


# ---- watching a process ----------------------------------------------------------------------------


def session_usage(session):
    """{pid: CPU seconds} of the processes of a session."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except OSError:
            continue  # It ended meanwhile.
        if int(fields[3]) == session:
            found[int(name)] = (int(fields[11]) + int(fields[12])) / TICK
    return found


def memory_bytes(pids):
    """What the processes hold in memory, pages that they share counted once (PSS)."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as rollup:
                total += next(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue  # It ended meanwhile.
    return total


def high_water_bytes(pid):
    """The most that one process has held so far. (ru_maxrss is no use: exec keeps the peak of the parent.)"""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as status:
            return next((int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:")), 0)
    except OSError:
        return 0  # It ended meanwhile.


class Watch:
    """Runs a command in a session of its own and samples what it uses; seen() tells of its first row."""

    def __init__(self, command, env, cwd, log, seen=None):
        self.samples = []  # (wall clock, CPU seconds so far)
        self.peak_bytes = 0      # Of all its processes at one moment
        self.own_peak_bytes = 0  # Of the first one
        self.first_row_seconds = None
        self._cpu = {}
        self._seen = seen
        self._log = log
        self.begun_at = time.time()
        self.process = subprocess.Popen(command, env=env, cwd=cwd, stdout=log, stderr=log, start_new_session=True)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()

    def _sample(self):
        while not self._ended.wait(0.02):
            self._take(with_memory=len(self.samples) % 20 == 0)

    def _take(self, with_memory):
        self.own_peak_bytes = max(self.own_peak_bytes, high_water_bytes(self.process.pid))
        usage = session_usage(self.process.pid)
        for pid, cpu in usage.items():
            self._cpu[pid] = max(cpu, self._cpu.get(pid, 0.0))
        if with_memory:  # Not each time: the kernel walks the page tables for it.
            self.peak_bytes = max(self.peak_bytes, memory_bytes(usage))
        self.samples.append((time.time(), sum(self._cpu.values())))
        if self._seen is not None and self.first_row_seconds is None and self._seen():
            self.first_row_seconds = time.time() - self.begun_at

    def wait(self, timeout):
        killer = threading.Timer(timeout, self.process.kill)
        killer.start()
        _pid, status, usage = os.wait4(self.process.pid, 0)
        self.ended_at = time.time()
        self.process.returncode = os.waitstatus_to_exitcode(status)
        killer.cancel()
        self._ended.set()
        self._thread.join()
        self.own_cpu_seconds = usage.ru_utime + usage.ru_stime
        if self._seen is not None and self.first_row_seconds is None and self._seen():
            self.first_row_seconds = self.ended_at - self.begun_at
        if self.process.returncode != 0:
            raise Failure(f"exit code {self.process.returncode}, see {self._log.name}")

    def cpu_at(self, moment):
        before = [cpu for at, cpu in self.samples if at <= moment]
        return before[-1] if before else 0.0


def broker_cpu(kafka):
    return sum(session_usage(kafka.process.pid).values())


class Disturbance:
    """How much of the machine went to programs that are no part of a run. Such a run's speed is no figure."""

    def __init__(self, kafka):
        self._kafka = kafka
        self._at, self._busy, self._ours = time.monotonic(), self._machine(), self._own()

    @staticmethod
    def _machine():
        with open("/proc/stat", encoding="utf-8") as stat:
            user, nice, system, _idle, _wait, irq, softirq = map(int, stat.readline().split()[1:8])
        return (user + nice + system + irq + softirq) / TICK

    def _own(self):
        return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
                   ) + broker_cpu(self._kafka)

    def share(self):
        seconds = (time.monotonic() - self._at) * os.cpu_count()
        return max(0.0, self._machine() - self._busy - (self._own() - self._ours)) / seconds


# ---- the input and its answer ------------------------------------------------------------------------


def compile_tools(out):
    os.makedirs(out, exist_ok=True)
    for command in (
        ["cc", "-std=gnu17", "-O2", "bench/generate.c", "-o", f"{out}/generate"],
        ["cc", "-std=gnu17", "-O2", "bench/consume.c", "-o", f"{out}/consume", "-lrdkafka"],
        ["c++", "-std=c++17", "-O3", "bench/simdjson.cpp", "-o", f"{out}/simdjson", "-lsimdjson"],
    ):
        subprocess.run(command, cwd=ROOT, check=True)


class Input:
    def __init__(self, tools, work, events):
        self.path = os.path.join(work, "events.jsonl")
        self.events = events
        subprocess.run([f"{tools}/generate", str(events), str(SEED), self.path, str(PARTITIONS)], check=True)
        self.bytes = os.path.getsize(self.path)
        con = duckdb.connect()
        con.execute("SET TimeZone = 'UTC'")
        # The copies are exact, so it does not matter which of them stays.
        self.good = con.execute(
            """SELECT DISTINCT ON (event_id) event_id, user_id, product_id, amount, country,
                      epoch_us(event_time::TIMESTAMPTZ) AS event_us, NULL::BIGINT AS watermark_us
               FROM read_json(?, format = 'newline_delimited', columns = {event_id: 'VARCHAR', user_id: 'INT',
                    product_id: 'INT', amount: 'DOUBLE', country: 'VARCHAR', event_time: 'VARCHAR'})""",
            [self.path]).fetch_arrow_table()
        self.last_us = max(self.good["event_us"].to_pylist())

    def load(self, kafka):
        kafka.create_topic(TOPIC, PARTITIONS)
        lines = []
        for p in range(PARTITIONS):
            with open(f"{self.path}.{p}", "rb") as part:
                lines.append(part.read().splitlines())
        assert kafka.produce(TOPIC, lines) == self.events


def check(got, columns, want_all, **limits):
    expected = [tuple(row[oracle.RETAIL_COLUMNS.index(c)] for c in columns) for row in want_all]
    try:
        oracle.compare(columns, expected, got, **limits)
    except AssertionError as error:
        raise Failure(f"wrong output: {error}") from None


# ---- the systems -------------------------------------------------------------------------------------


def figures(events, seconds, cpu, **more):
    return dict(events=events, seconds=round(seconds, 4), events_per_second=round(events / seconds),
                cpu_seconds=round(cpu, 3), events_per_cpu_second=round(events / cpu) if cpu else None, **more)


def spark_has_row(out):
    """A reader of Spark's output goes by this log; a file alone may be half written."""
    folder = os.path.join(out, "_spark_metadata")
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        if name.isdigit():
            with open(os.path.join(folder, name), encoding="utf-8") as log:
                if '"action":"add"' in log.read():
                    return True
    return False


def run_spark(bench, device):
    out, progress = os.path.join(bench.work, f"spark-{device}"), os.path.join(bench.work, f"spark-{device}.json")
    shutil.rmtree(out, ignore_errors=True)
    jars = os.path.join(ROOT, "build", "deps", "spark-jars")
    env = dict(os.environ, KAFKA_BOOTSTRAP_SERVERS=bench.kafka.address, KAFKA_TOPIC=TOPIC, OUTPUT_PATH=out,
               RUN_ID="bench", PYSPARK_PYTHON=os.path.join(ROOT, "build/deps/venv-bench/bin/python"))
    command = [os.path.join(ROOT, "build/deps/venv-bench/bin/spark-submit"), "--master", f"local[{bench.cores}]",
               "--driver-memory", "4g", "--conf", "spark.ui.enabled=false",
               "--jars", ",".join(sorted(os.path.join(jars, j) for j in os.listdir(jars) if j.endswith(".jar"))),
               os.path.join(RETAIL, "spark", "app.py"), "--device", device, "--until", "available-now",
               "--progress", progress, "--shuffle-partitions", bench.shuffle_partitions,
               "--outputs", bench.outputs]
    with open(os.path.join(bench.work, f"spark-{device}.log"), "wb") as log:
        watch = Watch(command, env, bench.work, log, lambda: spark_has_row(out))
        watch.wait(bench.timeout)
    with open(progress, encoding="utf-8") as lines:
        batches = [json.loads(line) for line in lines]
    read = sum(b["numInputRows"] for b in batches if b["name"] == "parquet")
    if read != bench.input.events:
        raise Failure(f"read {read} events instead of {bench.input.events}")
    columns = [c for c in oracle.RETAIL_COLUMNS if not c.startswith("window_")]  # The program drops the window.
    # Available-now keeps the windows that the watermark has not closed.
    want = oracle.retail_expected(bench.input.good, bench.input.last_us - oracle.DELAY_US)
    # Spark's sketch is made for 5 %.
    check(oracle.read_duckdb(out, columns, ("country", "VARCHAR")), columns, want, rms_max=0.06, worst_max=0.25)

    def begun(batch):
        return datetime.datetime.fromisoformat(batch["timestamp"].replace("Z", "+00:00")).timestamp()

    first = min(begun(b) for b in batches)
    last = max(begun(b) + b["durationMs"]["triggerExecution"] / 1000 for b in batches)
    return figures(read, last - first, watch.cpu_at(last) - watch.cpu_at(first), peak_bytes=watch.peak_bytes,
                   first_row_seconds=watch.first_row_seconds, start_seconds=round(first - watch.begun_at, 2),
                   rows=len(want), batches=len(batches))


def run_tool(bench, name, *args):
    done = subprocess.run([os.path.join(bench.tools, name), *args], capture_output=True, text=True,
                          timeout=bench.timeout)
    if done.returncode != 0:
        raise Failure(done.stderr.strip())
    return json.loads(done.stdout)


def run_consume(bench):
    got = run_tool(bench, "consume", bench.kafka.address, TOPIC, str(PARTITIONS))
    if got["events"] != bench.input.events:
        raise Failure(f"read {got['events']} events instead of {bench.input.events}")
    return figures(got["events"], got["seconds"], got["cpu_seconds"], peak_bytes=got["rss_bytes"],
                   first_row_seconds=got["first_row_seconds"])


def run_simdjson(bench):
    got = run_tool(bench, "simdjson", bench.input.path)
    want = duckdb.sql(f"""SELECT sum(amount)::DOUBLE, sum(user_id + product_id)::BIGINT FROM read_json(
        '{bench.input.path}', format = 'newline_delimited',
        columns = {{user_id: 'INT', product_id: 'INT', amount: 'DOUBLE'}})""").fetchone()
    if got["events"] != bench.input.events or got["ids"] != want[1] or abs(got["amount"] - want[0]) > 0.02:
        raise Failure(f"wrong sums: {got}")
    return figures(got["events"], got["seconds"], got["cpu_seconds"],
                   bytes_per_second=round(got["bytes"] / got["seconds"]), kernel=got["implementation"])


def run_millrace(bench, source):
    data = os.path.join(bench.work, f"millrace-{source}")
    shutil.rmtree(data, ignore_errors=True)
    out = os.path.join(data, "lake", "segment_metrics")
    env = dict(os.environ, KAFKA_BOOTSTRAP_SERVERS=bench.kafka.address, KAFKA_TOPIC=TOPIC)
    env.pop("OUTPUT_PATH", None)
    command = [bench.millrace, "run", "sql/retail.sql", "--until", "end", "--data", data, "--progress", "json",
               "-c", f"exec.workers={bench.cores}"]
    if source == "file":
        command += ["--source", f"events=file:{bench.input.path}"]
    with open(os.path.join(bench.work, f"millrace-{source}.log"), "wb") as log:
        watch = Watch(command, env, RETAIL, log, lambda: bool(oracle.files(out)))
        watch.wait(bench.timeout)
    want = oracle.retail_expected(bench.input.good)
    check(oracle.read_duckdb(out, oracle.RETAIL_COLUMNS, ("country", "VARCHAR")), oracle.RETAIL_COLUMNS, want)
    for table in ("events_bad", "events_late"):
        if oracle.read_duckdb(os.path.join(data, "lake", table), ["_reason" if "late" in table else "reason"]):
            raise Failure(f"rows in {table}")
    # The kernel's own count of CPU and its high-water mark: half a second is too short for sums of samples.
    return figures(bench.input.events, watch.ended_at - watch.begun_at, watch.own_cpu_seconds,
                   peak_bytes=max(watch.peak_bytes, watch.own_peak_bytes),
                   first_row_seconds=watch.first_row_seconds, rows=len(want))


# ---- the report ----------------------------------------------------------------------------------------


def machine():
    model, memory = "unknown", 0
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        model = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), model)
    with open("/proc/meminfo", encoding="utf-8") as info:
        memory = int(info.readline().split()[1]) // 1024**2
    return f"{model}, {os.cpu_count()} cores, {memory} GiB"


def table(results):
    spark = max((r["events_per_second"] for n, r in results.items() if n.startswith("spark") and "error" not in r),
                default=None)
    lines = ["| system | events/s | events per CPU-s | peak memory | first row | against Spark | broker CPU | others |",
             "|---|---:|---:|---:|---:|---:|---:|---:|"]
    for name, r in results.items():
        if "error" in r:
            lines.append(f"| {name} | failed: {r['error'].splitlines()[0]} | | | | | | |")
            continue
        peak = f"{r['peak_bytes'] / 2**20:,.0f} MiB" if r.get("peak_bytes") else "–"
        first = f"{r['first_row_seconds']:.2f} s" if r.get("first_row_seconds") is not None else "–"
        times = f"{r['events_per_second'] / spark:.1f}×" if spark else "–"
        broker = f"{r['broker_cpu_seconds']:.1f} s" if r.get("broker_cpu_seconds") else "–"
        lines.append(f"| {name} | {r['events_per_second']:,} | {r['events_per_cpu_second']:,} | {peak} | {first} "
                     f"| {times} | {broker} | {r['others_share']:.0%} |")
    if any(r.get("others_share", 0) > OTHERS_SHARE_MAX for r in results.values()):
        lines.append("\n**Disturbed**: other programs took part of the machine (\"others\"), so events/s and "
                     "\"against Spark\" are no figures to go by.")
    return "\n".join(lines)


def median(runs):
    """The run whose speed is the middle one; its fellows' speeds beside it. Any failure is the result."""
    bad = [r for r in runs if "error" in r]
    if bad:
        return bad[0]
    ordered = sorted(runs, key=lambda r: r["events_per_second"])
    return dict(ordered[(len(ordered) - 1) // 2], all_events_per_second=[r["events_per_second"] for r in runs])


def report(bench, results, note):
    today = datetime.date.today().isoformat()
    folder = os.path.join(ROOT, "bench", "results")
    os.makedirs(folder, exist_ok=True)
    facts = {"date": today, "machine": machine(), "events": bench.input.events, "bytes": bench.input.bytes,
             "partitions": PARTITIONS, "seed": SEED, "cores": bench.cores, "runs": bench.runs,
             "spark_settings": {"shuffle_partitions": bench.shuffle_partitions, "outputs": bench.outputs},
             "versions": {"spark": "3.5.7", "kafka": "3.9.1"}, "note": note, "results": results}
    text = (f"# {today}\n\n{machine()}. {bench.input.events:,} retail events of "
            f"{bench.input.bytes / bench.input.events:.0f} bytes, {PARTITIONS} partitions, {bench.runs} run(s), "
            f"Kafka 3.9.1, Spark 3.5.7 local[{bench.cores}].{' ' + note if note else ''}\n"
            f"What is measured, and how: the head of `bench/run.py`.\n\n{table(results)}\n")
    with open(os.path.join(folder, f"{today}.json"), "w", encoding="utf-8") as out:
        json.dump(facts, out, indent=1)
        out.write("\n")
    with open(os.path.join(folder, f"{today}.md"), "w", encoding="utf-8") as out:
        out.write(text)
    print(text)


class Bench:
    pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--runs", type=int, default=1, help="of each; the median counts")
    parser.add_argument("--only", default=",".join(SYSTEMS))
    parser.add_argument("--shuffle-partitions", default="8", help="Spark's; the published program has 8")
    parser.add_argument("--outputs", choices=["both", "parquet"], default="both", help="of Spark's program")
    parser.add_argument("--note", default="", help="goes into the report")
    parser.add_argument("--timeout", type=int, default=600, help="seconds a run may take")
    parser.add_argument("--keep", action="store_true", help="leave the working folder, with logs and outputs")
    args = parser.parse_args()
    names = args.only.split(",")
    if unknown := set(names) - set(SYSTEMS):
        parser.error(f"no system {', '.join(sorted(unknown))}; there are {', '.join(SYSTEMS)}")

    bench = Bench()
    bench.cores, bench.timeout, bench.runs = args.cores, args.timeout, args.runs
    bench.shuffle_partitions, bench.outputs = args.shuffle_partitions, args.outputs
    bench.millrace = os.environ.get("MILLRACE", os.path.join(BUILD, "millrace"))
    if any(n.startswith("millrace") for n in names) and not os.access(bench.millrace, os.X_OK):
        sys.exit(f"bench: no {bench.millrace}: run make, or name other systems with --only")
    bench.work = tempfile.mkdtemp(prefix="millrace-bench-")
    bench.tools = os.path.join(BUILD, "bench")
    bench.kafka = KafkaServer(heap="1g")
    systems = {
        "spark-udf": lambda: run_spark(bench, "udf"), "spark-builtin": lambda: run_spark(bench, "builtin"),
        "consume": lambda: run_consume(bench), "simdjson": lambda: run_simdjson(bench),
        "millrace-kafka": lambda: run_millrace(bench, "kafka"), "millrace-file": lambda: run_millrace(bench, "file")}
    results = {}
    try:
        compile_tools(bench.tools)
        bench.input = Input(bench.tools, bench.work, args.events)
        bench.kafka.start()
        bench.input.load(bench.kafka)
        for name in names:
            runs = []
            for _ in range(args.runs):
                print(f"bench: {name} ...", file=sys.stderr, flush=True)
                before, others = broker_cpu(bench.kafka), Disturbance(bench.kafka)
                try:
                    result = systems[name]()
                    result["broker_cpu_seconds"] = round(broker_cpu(bench.kafka) - before, 2)
                    result["others_share"] = round(others.share(), 3)
                except Failure as failure:
                    result = {"error": str(failure)}
                    print(f"bench: {name}: {failure}", file=sys.stderr)
                runs.append(result)
            results[name] = median(runs)
        report(bench, results, args.note)
    finally:
        bench.kafka.stop()
        failed = any("error" in r for r in results.values())
        if args.keep or failed:
            print(f"bench: logs and outputs are in {bench.work}", file=sys.stderr)
        else:
            shutil.rmtree(bench.work, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
