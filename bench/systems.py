"""What is measured: one function a row of the table. Each checks its output before it returns figures."""

import datetime
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time

import answers
import broker
import flow
import history
import start
from answers import oracle
from common import INPUTS, MILLRACE, RETAIL, ROOT, SQL, Failure, Input, run_tool, say, tool
from watch import Watch, session_usage

from kafka_server import KafkaServer  # After answers: it knows the folder.

PARTITIONS = 3
HOT_TURNS = 3
EMBEDDED_TRIGGER = "100 milliseconds"
DISTINCT_BASE_IDS = 500_000
LARGE_MEMORY_BYTES = 12 << 30  # What 10^8 ids may need, their input in the page cache included.
LARGE_DISK_BYTES = 20 << 30


class Bench:
    """The settings of a run, its folder, and the broker, which is started when the first row needs it."""

    def __init__(self, args):
        self.quick = args.quick
        self.cores, self.timeout, self.runs = args.cores, args.timeout, args.runs
        self.events = args.events
        self.side_events = min(args.events, 200_000 if args.quick else 2_000_000)
        self.shuffle_partitions, self.outputs = args.shuffle_partitions, args.outputs
        os.makedirs(INPUTS, exist_ok=True)
        self.work = tempfile.mkdtemp(prefix="work-", dir=os.path.dirname(INPUTS))
        self.retail_input = None  # When some row has asked for it.
        self.embedded = None  # The project of retail-embedded, loaded when it is first asked for.
        self._kafka, self._topics, self._loading_cpu = None, {}, 0.0

    @property
    def kafka(self):
        if self._kafka is None:
            say("starting Kafka")
            self._kafka = KafkaServer(heap="1g")
            self._kafka.start()
        return self._kafka

    def stop(self):
        if self._kafka is not None:
            self._kafka.stop()

    def broker_cpu(self):
        return sum(session_usage(self._kafka.process.pid).values()) if self._kafka is not None else 0.0

    def served_cpu(self):
        """The same without what loading topics took."""
        return self.broker_cpu() - self._loading_cpu

    def retail(self):
        self.retail_input = Input("retail", self.events, PARTITIONS)
        return self.retail_input

    def topic(self, given, codec="none"):
        """The name of a topic that holds an input, loaded when it is first asked for."""
        name = f"events-{given.name}-{codec}"
        if name not in self._topics:
            self.kafka.create_topic(name, given.partitions)
            say(f"loading topic {name}")
            before = self.broker_cpu()
            sent = run_tool("produce", self.kafka.address, name, given.path, given.partitions,
                            "compression.codec", codec, timeout=self.timeout)
            if sent["acknowledged"] != given.events:
                raise Failure(f"{sent['acknowledged']} of {given.events} events are in topic {name}")
            self._topics[name] = given
            self._loading_cpu += self.broker_cpu() - before
        return name


def figures(events, seconds, cpu, **more):
    return dict(events=events, seconds=round(seconds, 4), events_per_second=round(events / seconds),
                cpu_seconds=round(cpu, 3), events_per_cpu_second=round(events / cpu) if cpu else None, **more)


# ---- Spark -------------------------------------------------------------------------------------------


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
    given = bench.retail()
    out, progress = os.path.join(bench.work, f"spark-{device}"), os.path.join(bench.work, f"spark-{device}.json")
    shutil.rmtree(out, ignore_errors=True)
    jars = os.path.join(ROOT, "build", "deps", "spark-jars")
    env = dict(os.environ, KAFKA_TOPIC=bench.topic(given), KAFKA_BOOTSTRAP_SERVERS=bench.kafka.address,
               OUTPUT_PATH=out, RUN_ID="bench", PYSPARK_PYTHON=os.path.join(ROOT, "build/deps/venv-bench/bin/python"))
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
    if read != given.events:
        raise Failure(f"read {read} events instead of {given.events}")
    columns = [c for c in oracle.RETAIL_COLUMNS if not c.startswith("window_")]  # The program drops the window.
    # Available-now keeps the windows that the watermark has not closed. Spark's sketch is made for 5 %.
    want = answers.retail(given, closed=True)
    answers.compare(oracle.read_duckdb(out, columns, ("country", "VARCHAR")), columns, want,
                    rms_max=0.06, worst_max=0.25)

    def begun(batch):
        return datetime.datetime.fromisoformat(batch["timestamp"].replace("Z", "+00:00")).timestamp()

    first = min(begun(b) for b in batches)
    last = max(begun(b) + b["durationMs"]["triggerExecution"] / 1000 for b in batches)
    return figures(read, last - first, watch.cpu_at(last) - watch.cpu_at(first), peak_bytes=watch.peak_bytes,
                   first_row_seconds=watch.first_row_seconds, start_seconds=round(first - watch.begun_at, 2),
                   rows=len(want), batches=len(batches))


# ---- limits ------------------------------------------------------------------------------------------


def consume(bench, given, codec="none"):
    got = run_tool("consume", bench.kafka.address, bench.topic(given, codec), given.partitions, timeout=bench.timeout)
    if got["events"] != given.events:
        raise Failure(f"read {got['events']} events instead of {given.events}")
    return figures(got["events"], got["seconds"], got["cpu_seconds"], peak_bytes=got["rss_bytes"],
                   first_row_seconds=got["first_row_seconds"])


def run_consume(bench):
    return consume(bench, bench.retail())


def run_read(bench):
    """Reading alone, from the page cache; one thread's speed beside that of all."""
    given = bench.retail()
    one = run_tool("limits", "read", given.path, 1)
    got = run_tool("limits", "read", given.path, bench.cores)
    return figures(given.events, got["seconds"], 0, bytes_per_second=round(got["bytes"] / got["seconds"]),
                   one_thread_events_per_second=round(given.events / one["seconds"]))


def run_simdjson(bench):
    given = bench.retail()
    want = answers.duckdb.sql(f"""SELECT sum(amount)::DOUBLE, sum(user_id + product_id)::BIGINT FROM read_json(
        '{given.path}', format = 'newline_delimited',
        columns = {{user_id: 'INT', product_id: 'INT', amount: 'DOUBLE'}})""").fetchone()
    one, got = (run_tool("simdjson", given.path, threads) for threads in (1, bench.cores))
    for each in (one, got):
        if each["events"] != given.events or each["ids"] != want[1] or abs(each["amount"] - want[0]) > 0.02:
            raise Failure(f"wrong sums: {each}")
    return figures(given.events, got["seconds"], got["cpu_seconds"],
                   bytes_per_second=round(got["bytes"] / got["seconds"]), kernel=got["implementation"],
                   one_thread_events_per_second=round(given.events / one["seconds"]))


# ---- millrace ----------------------------------------------------------------------------------------


class Run:
    """One run of a pipeline, from start to end of its process. data stays until remove()."""

    def __init__(self, bench, name, sql, flags, env=None, table=None):
        self.data = os.path.join(bench.work, name)
        shutil.rmtree(self.data, ignore_errors=True)
        folder = RETAIL if sql.startswith("sql/") else ROOT
        result, progress = (os.path.join(bench.work, f"{name}.{kind}") for kind in ("json", "log"))
        watched = os.path.join(self.data, "lake", table) if table else "-"
        command = [tool("measure"), result, watched, MILLRACE, "run", sql, "--until", "end", "--data", self.data,
                   "--progress", "json", "-c", f"exec.workers={bench.cores}", *flags]
        environment = dict(os.environ, **(env or {}))
        environment.pop("OUTPUT_PATH", None)
        with open(progress, "wb") as log:
            done = subprocess.run(command, cwd=folder, env=environment, stdout=log, stderr=log,
                                  timeout=bench.timeout, check=False)
        if done.returncode != 0:
            raise Failure(f"exit code {done.returncode}, see {progress}")
        with open(result, encoding="utf-8") as lines:
            self.took = json.load(lines)
        self._progress = progress

    def lake(self, table):
        return os.path.join(self.data, "lake", table)

    def figures(self, given, rows, **more):
        return figures(given.events, self.took["seconds"], self.took["cpu_seconds"],
                       peak_bytes=self.took["peak_bytes"], first_row_seconds=self.took["first_row_seconds"],
                       rows=rows, bytes=given.bytes, **more)

    def last_epoch(self):
        with open(self._progress, encoding="utf-8", errors="replace") as lines:
            return json.loads([line for line in lines if line.startswith('{"name"')][-1])

    def write_seconds(self, bench, table):
        """How long it takes to write its Parquet files again, and sync each."""
        return run_tool("limits", "write", bench.work, *oracle.files(self.lake(table)))["seconds"]

    def remove(self):
        shutil.rmtree(self.data, ignore_errors=True)


def _kafka_env(bench, given, codec):
    return dict(KAFKA_TOPIC=bench.topic(given, codec), KAFKA_BOOTSTRAP_SERVERS=bench.kafka.address)


def retail(bench, name, given, codec=None):
    """The retail example; codec: from a topic packed with it, None: from the file."""
    env = _kafka_env(bench, given, codec) if codec else {}
    flags = [] if codec else ["--source", f"events=file:{given.path}"]
    run = Run(bench, name, "sql/retail.sql", flags, env, table="segment_metrics")
    rows = answers.check_retail(run.lake("segment_metrics"), given)
    answers.check_aside(run.data)
    got = run.figures(given, rows, write_seconds=run.write_seconds(bench, "segment_metrics"))
    run.remove()
    return got


class Embedded:
    """A project whose broker holds an input in topic "events", and whose pipeline each run starts anew."""

    def __init__(self, bench, given):
        self.folder, self.cores = os.path.join(bench.work, "embedded"), bench.cores
        shutil.rmtree(self.folder, ignore_errors=True)
        up = broker.Up(self.folder)
        try:
            up.create_topic("events", given.partitions)
            sent = run_tool("produce", up.address, "events", given.path, given.partitions, timeout=bench.timeout)
        finally:
            up.stop()
        if sent["acknowledged"] != given.events:
            raise Failure(f"{sent['acknowledged']} of {given.events} events are in the embedded topic")
        shutil.copytree(os.path.join(RETAIL, "dim"), os.path.join(self.folder, "dim"))

    def run(self, given, timeout):
        """From the start of the process until the last event is committed and its windows are written."""
        data = os.path.join(self.folder, "data")
        for name in os.listdir(data):
            if name != "broker":
                path = os.path.join(data, name)
                shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
        shutil.copy(os.path.join(RETAIL, "sql", "retail.sql"), os.path.join(self.folder, "sql"))
        # What waits for a trigger is not caught up.
        env = dict(os.environ, TRIGGER=EMBEDDED_TRIGGER)
        for name in ("OUTPUT_PATH", "KAFKA_TOPIC", "KAFKA_BOOTSTRAP_SERVERS"):
            env.pop(name, None)
        up = broker.Up(self.folder, [f"exec.workers={self.cores}"], env)
        try:
            while True:
                status = up.status()
                seconds = time.perf_counter() - up.begun
                part = next(p for p in status["parts"] if p["name"] == "retail")
                if part["state"] != "running" or seconds > timeout:
                    raise Failure(f"after {seconds:.1f} s: {part}")
                if part.get("rows", 0) >= given.events:
                    break
                time.sleep(0.005)
            cpu, peak = up.cpu_seconds(), up.peak_bytes()
            time.sleep(0.5)  # Several triggers: whether a file is still to come.
            files = oracle.files(os.path.join(data, "lake", "segment_metrics"))
            written = max((os.stat(f).st_mtime for f in files), default=0) - up.begun_at
            return {"seconds": max(seconds, written), "cpu_seconds": cpu, "peak_bytes": peak,
                    "epochs": part["epoch"]}
        finally:
            up.stop()


def run_embedded(bench):
    """Retail from the log of its own process, caught up: windows that the watermark has not closed are open."""
    given = bench.retail()
    if bench.embedded is None:
        say("loading the embedded topic")
        bench.embedded = Embedded(bench, given)
    took = bench.embedded.run(given, bench.timeout)
    lake = os.path.join(bench.embedded.folder, "data", "lake", "segment_metrics")
    want = answers.retail_partitions(given)
    answers.compare(oracle.read_duckdb(lake, oracle.RETAIL_COLUMNS, ("country", "VARCHAR")), oracle.RETAIL_COLUMNS,
                    want)
    answers.check_aside(os.path.join(bench.embedded.folder, "data"))
    written = run_tool("limits", "write", bench.work, *oracle.files(lake))["seconds"]
    return figures(given.events, took["seconds"], took["cpu_seconds"], peak_bytes=took["peak_bytes"],
                   rows=len(want), bytes=given.bytes, write_seconds=written,
                   extra=f"one process, {took['epochs']} epochs")


def run_packed(bench, name, partitions, codec):
    given = Input("retail", bench.side_events, partitions)
    limit = consume(bench, given, codec)
    got = retail(bench, name, given, codec)
    share = got["events_per_second"] / limit["events_per_second"]
    return dict(got, of_consume=round(share, 3), extra=f"{share:.0%} of consume ({limit['events_per_second']:,})")


def run_stateless(bench, name, codec=None):
    given = bench.retail()
    env = _kafka_env(bench, given, codec) if codec else {}
    flags = [] if codec else ["--source", f"events=file:{given.path}"]
    run = Run(bench, name, os.path.join(SQL, "stateless.sql"), flags, env, table="large")
    rows = answers.check_stateless(run.lake("large"), given)
    answers.check_aside(run.data)
    got = run.figures(given, rows, write_seconds=run.write_seconds(bench, "large"))
    run.remove()
    return got


def run_wide(bench):
    given = Input("wide", 40_000 if bench.quick else 400_000)
    run = Run(bench, "wide", os.path.join(SQL, "wide.sql"), ["--set", f"INPUT={given.path}"], table="minutes")
    rows = answers.check_wide(run.lake("minutes"), given)
    answers.check_aside(run.data)
    got = run.figures(given, rows)
    run.remove()
    speed = given.bytes / got["seconds"]
    return dict(got, bytes_per_second=round(speed),
                extra=f"60 fields, 8 used, {given.bytes / given.events:,.0f} B: {speed / 1e9:.2f} GB/s")


def _distinct_once(bench, ids, by_duckdb):
    given = Input("ids", ids * 10 // 9)  # A tenth of the rows are copies.
    run = Run(bench, "distinct", os.path.join(SQL, "distinct.sql"), ["--set", f"INPUT={given.path}"])
    answers.check_distinct(run.lake("hours"), given, by_duckdb)
    answers.check_aside(run.data)
    state = run.last_epoch()["state_operators"]
    if state["num_rows_total"] < given.facts["ids"]:
        raise Failure(f"{state['num_rows_total']} ids live at the end instead of {given.facts['ids']}")
    got = run.figures(given, given.facts["ids"], state_bytes=state["memory_used_bytes"])
    run.remove()
    return given, got


def run_distinct(bench, ids):
    if ids > 10_000_000:
        with open("/proc/meminfo", encoding="utf-8") as info:
            free = next(int(line.split()[1]) * 1024 for line in info if line.startswith("MemAvailable"))
        disk = shutil.disk_usage(INPUTS).free
        if bench.quick or free < LARGE_MEMORY_BYTES or disk < LARGE_DISK_BYTES:
            return {"skipped": "QUICK" if bench.quick else
                    f"needs {LARGE_MEMORY_BYTES >> 30} GiB of memory and {LARGE_DISK_BYTES >> 30} GiB of disk; "
                    f"there are {free >> 30} and {disk >> 30}"}
    base_ids = min(DISTINCT_BASE_IDS, ids // 4)
    _given, base = _distinct_once(bench, base_ids, by_duckdb=True)
    given, got = _distinct_once(bench, ids, by_duckdb=ids <= 10_000_000)
    if ids > 10_000_000:
        given.remove()  # It is large, and soon made.
    each = (got["peak_bytes"] - base["peak_bytes"]) / (got["rows"] - base["rows"])
    return dict(got, bytes_per_id=round(each, 2),
                extra=f"{got['rows']:,} ids, {each:.1f} B each (state {got['state_bytes'] / got['rows']:.1f})")


def run_hot_key(bench):
    """90 % of one country against an even spread, in turns, so that both meet the same machine."""
    speeds, kept = {"even": [], "hot": []}, None
    for _turn in range(HOT_TURNS):
        for kind, list_of in speeds.items():
            kept = retail(bench, f"hot-key-{kind}", Input(kind, bench.side_events))
            list_of.append(kept["events_per_second"])
    even, hot = (statistics.median(speeds[kind]) for kind in ("even", "hot"))
    cost = even / hot - 1
    return dict(kept, events_per_second=round(hot), even_events_per_second=round(even), hot_key_cost=round(cost, 4),
                turns=speeds, extra=f"costs {cost:+.1%} against {even:,.0f} evenly spread")


# ---- all of them -------------------------------------------------------------------------------------

# In the order of the table. Rows of events; then what has a table of its own.
ROWS = {
    "spark-udf": lambda b: run_spark(b, "udf"),
    "spark-builtin": lambda b: run_spark(b, "builtin"),
    "consume": run_consume,
    "read": run_read,
    "simdjson": run_simdjson,
    "retail-kafka": lambda b: retail(b, "retail-kafka", b.retail(), "none"),
    "retail-file": lambda b: retail(b, "retail-file", b.retail()),
    "retail-embedded": run_embedded,
    "stateless-kafka": lambda b: run_stateless(b, "stateless-kafka", "none"),
    "stateless-file": lambda b: run_stateless(b, "stateless-file"),
    "partitions-16": lambda b: run_packed(b, "partitions-16", 16, "none"),
    "lz4": lambda b: run_packed(b, "lz4", PARTITIONS, "lz4"),
    "zstd": lambda b: run_packed(b, "zstd", PARTITIONS, "zstd"),
    "hot-key": run_hot_key,
    "wide": run_wide,
    "distinct-10M": lambda b: run_distinct(b, 1_000_000 if b.quick else 10_000_000),
    "distinct-100M": lambda b: run_distinct(b, 100_000_000),
}
TABLES = {
    "broker-produce": lambda b, record: broker.run_produce(b),
    "broker-latency": lambda b, record: broker.run_latency(b),
    "broker-start": lambda b, record: broker.run_start(b),
    "flow": lambda b, record: flow.run(b),
    "start": lambda b, record: start.run(b.work),
    "history": lambda b, record: history.run(b.work, record),
}
# Long ones are run once: their length evens them out.
ONCE = {"spark-udf", "spark-builtin", "hot-key", "distinct-10M", "distinct-100M"}
