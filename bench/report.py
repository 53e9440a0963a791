"""The results page: what was promised and what was reached, the table, and where the time goes."""

import datetime
import json
import os

import broker
import flow
import history
import start
from common import ROOT, TOOLS, machine

OTHERS_SHARE_MAX = 0.05
FROM_KAFKA_MIN, FROM_FILE_MIN = 20, 60  # Times Spark.
OF_CONSUME_MIN = 0.85
OF_BOUND_MIN = 0.50
MEMORY_MAX_MB = 300
FIRST_ROW_MAX_S = 0.3
HOT_KEY_COST_MAX = 0.10


class Results:
    """What was measured, by name; a row that failed or was left out has no figures."""

    def __init__(self, bench, rows, tables, note, complete):
        self.bench, self.rows, self.tables, self.note = bench, rows, tables, note
        self.complete = complete  # All rows, in full size.

    def figure(self, name, key="events_per_second"):
        return self.rows.get(name, {}).get(key)

    def spark(self):
        return max(filter(None, (self.figure(n) for n in self.rows if n.startswith("spark"))), default=None)

    def times_spark(self, name):
        spark = self.spark()
        return self.figure(name) / spark if self.figure(name) and spark else None

    def bound(self, name, cores=True):
        """Events a second that nothing can pass which reads, decodes and writes what this row did."""
        key = "events_per_second" if cores else "one_thread_events_per_second"
        read, decode, write = self.figure("read", key), self.figure("simdjson", key), self.figure(name, "write_seconds")
        if not (read and decode and write is not None):
            return None
        return 1 / (1 / read + 1 / decode + write / self.figure(name, "events"))

    def disturbed(self):
        return any(r.get("others_share", 0) > OTHERS_SHARE_MAX for r in [*self.rows.values(), *self.tables.values()])

    def failed(self):
        """Runs without figures and workloads that regressed, as text."""
        rows = [f"{name}: {r['error'].splitlines()[0]}" for name, r in self.rows.items() if "error" in r]
        rows += [f"{name}: {t['error']}" for name, t in self.tables.items() if "error" in t]
        return rows + self.tables.get("history", {}).get("failed", [])

    def targets(self):
        """[{"what", "target", "reached", "ok"}] of what was measured."""
        found = []

        def judge(what, target, value, text, ok):
            if value is not None:
                found.append({"what": what, "target": target, "reached": text(value), "ok": bool(ok(value))})

        for name, words, least in (("retail-kafka", "from Kafka", FROM_KAFKA_MIN),
                                   ("retail-file", "from a file", FROM_FILE_MIN),
                                   ("retail-embedded", "from the embedded log", FROM_FILE_MIN)):
            judge(f"retail {words}, against Spark", f"≥ {least}×", self.times_spark(name),
                  lambda v: f"{v:.1f}×", lambda v, least=least: v >= least)
        if self.figure("retail-kafka") and self.figure("consume"):
            judge("retail from Kafka, of consume-and-discard", f"≥ {OF_CONSUME_MIN}",
                  self.figure("retail-kafka") / self.figure("consume"), lambda v: f"{v:.2f}",
                  lambda v: v >= OF_CONSUME_MIN)
        for name, words in (("retail-file", "from a file"), ("retail-embedded", "from the embedded log")):
            if self.bound(name):
                judge(f"retail {words}, of the bound", f"≥ {OF_BOUND_MIN:.0%}",
                      self.figure(name) / self.bound(name), lambda v: f"{v:.0%}", lambda v: v >= OF_BOUND_MIN)
        for name, words in (("retail-kafka", "from Kafka"), ("retail-file", "from a file"),
                            ("retail-embedded", "from the embedded log")):
            judge(f"retail {words}, memory", f"≤ {MEMORY_MAX_MB} MB", self.figure(name, "peak_bytes"),
                  lambda v: f"{v / 1e6:,.0f} MB", lambda v: v <= MEMORY_MAX_MB * 1e6)
        for name, words in (("stateless-kafka", "from Kafka"), ("stateless-file", "from a file")):
            judge(f"stateless {words}, first row", f"≤ {FIRST_ROW_MAX_S} s", self.figure(name, "first_row_seconds"),
                  lambda v: f"{v:.3f} s", lambda v: v <= FIRST_ROW_MAX_S)
        judge("one country with 90 % of the rows costs", f"≤ {HOT_KEY_COST_MAX:.0%}",
              self.figure("hot-key", "hot_key_cost"), lambda v: f"{v:+.1%}", lambda v: v <= HOT_KEY_COST_MAX)
        self._judge_broker(judge)
        self._judge_flow(judge)
        begun = self.tables.get("start", {}).get("rows")
        slowest = max((r for r in begun or [] if r["target_ms"]), key=lambda r: r["median_ms"], default=None)
        judge("start of a command", f"≤ {start.TARGET_MS} ms", slowest,
              lambda r: f"{r['median_ms']:.1f} ms (`{r['command']}`, the slowest)",
              lambda r: r["median_ms"] <= r["target_ms"])
        counted = self.tables.get("history", {}).get("rows")
        worst = max((r for r in counted or [] if "change" in r), key=lambda r: r["change"], default=None)
        judge("instructions against the last record", f"≤ +{history.WORSE_MAX:.0%}", worst,
              lambda r: f"{r['change']:+.2%} ({r['name']}, the worst)", lambda r: r["change"] <= history.WORSE_MAX)
        return found


    def _judge_broker(self, judge):
        for durability, words in (("kafka", "Kafka as it is"), ("fsync", "Kafka with flush.messages=1")):
            rows = [r for r in self.tables.get("broker-produce", {}).get("rows", []) if r["durability"] == durability]

            def text(row):
                return f"{row['record_bytes']} B, acks {row['acks']}, partitions: {row['partitions']}; the worst"

            judge(f"produce, durability {durability}, against {words}", "≥ 1×",
                  min(rows, key=lambda r: r["times"], default=None),
                  lambda r: f"{r['times']:.2f}× ({text(r)})", lambda r: r["times"] >= 1)
            judge(f"p99 of it, durability {durability}", "≤ Kafka's",
                  max(rows, key=lambda r: r["millrace"]["p99_ms"] / max(r["kafka"]["p99_ms"], 1), default=None),
                  lambda r: f"{r['millrace']['p99_ms']:.0f} against {r['kafka']['p99_ms']:.0f} ms ({text(r)})",
                  lambda r: r["millrace"]["p99_ms"] <= r["kafka"]["p99_ms"])
        waited = self.tables.get("broker-latency", {}).get("rows", [])
        judge("p99 from producer to consumer", "≤ Kafka's",
              max(waited, key=lambda r: r["millrace"]["read_p99_ms"] / r["kafka"]["read_p99_ms"], default=None),
              lambda r: f"{r['millrace']['read_p99_ms']:.2f} against {r['kafka']['read_p99_ms']:.2f} ms (durability "
                        f"{r['durability']}, {r['record_bytes']} B, partitions: {r['partitions']}; the worst)",
              lambda r: r["millrace"]["read_p99_ms"] <= r["kafka"]["read_p99_ms"])
        up = next(iter(self.tables.get("broker-start", {}).get("rows", [])), {})
        judge("start of millrace up", f"≤ {broker.START_MAX_S} s", up.get("start_seconds"), lambda v: f"{v:.3f} s",
              lambda v: v <= broker.START_MAX_S)
        judge("millrace up at rest, memory", f"≤ {broker.IDLE_MAX_MB} MB", up.get("idle_bytes"),
              lambda v: f"{v / 1e6:.1f} MB", lambda v: v <= broker.IDLE_MAX_MB * 1e6)
        judge("millrace up at rest, CPU", "0 %", up.get("idle_cpu"), lambda v: f"{v:.1%}",
              lambda v: v < broker.IDLE_CPU_MAX)

    def _judge_flow(self, judge):
        rows = {row["system"]: row for row in self.tables.get("flow", {}).get("rows", [])}
        ours, theirs = rows.get("millrace", {}), rows.get("Airflow", {})
        judge("from a task's end to the next one's start, p99", f"≤ {flow.HANDOFF_MAX_MS} ms", ours.get("p99_ms"),
              lambda v: f"{v:.1f} ms", lambda v: v <= flow.HANDOFF_MAX_MS)
        if theirs:
            judge("the same, median, against Airflow", f"≥ {flow.TIMES_MIN}×", theirs["p50_ms"] / ours["p50_ms"],
                  lambda v: f"{v:,.0f}×", lambda v: v >= flow.TIMES_MIN)
        judge("1,000 tasks at once", f"≥ {flow.TASKS_MIN} tasks/s", ours.get("tasks_per_second_of_1000"),
              lambda v: f"{v:,.0f} tasks/s", lambda v: v >= flow.TASKS_MIN)
        judge("millrace up at rest with 100 DAGs, memory", f"≤ {flow.IDLE_MAX_MB} MB", ours.get("idle_bytes"),
              lambda v: f"{v / 1e6:.1f} MB", lambda v: v <= flow.IDLE_MAX_MB * 1e6)
        judge("a new DAG file is seen after", f"≤ {flow.LATE_MAX_S} s", ours.get("late_s"),
              lambda v: f"{v:.3f} s", lambda v: v <= flow.LATE_MAX_S)


def verdict(target):
    return f"target {target['target']} reached {target['reached']}  {'ok' if target['ok'] else 'MISSED'}"


def target_table(results):
    lines = ["| promised | target | reached | |", "|---|---:|---:|---|"]
    for t in results.targets():
        lines.append(f"| {t['what']} | {t['target']} | {t['reached']} | {'ok' if t['ok'] else '**MISSED**'} |")
    return "\n".join(lines)


# Rows that do what Spark does; the others have no such figure.
_AGAINST_SPARK = ("spark-", "retail-", "consume", "partitions-16", "lz4", "zstd")


def _cell(value, form):
    return form.format(value) if value is not None else "–"


def row_table(results):
    lines = ["| row | events/s | events per CPU-s | peak memory | first row | against Spark | broker CPU | others | |",
             "|---|---:|---:|---:|---:|---:|---:|---:|---|"]
    for name, r in results.rows.items():
        times = results.times_spark(name) if name.startswith(_AGAINST_SPARK) else None
        if "events" not in r:
            why = "failed: " + r["error"].splitlines()[0] if "error" in r else "left out: " + r["skipped"]
            lines.append(f"| {name} | | | | | | | | {why} |")
            continue
        peak = r.get("peak_bytes")
        lines.append(f"| {name} | {r['events_per_second']:,} | {_cell(r['events_per_cpu_second'], '{:,}')} "
                     f"| {_cell(peak / 1e6 if peak else None, '{:,.0f} MB')} "
                     f"| {_cell(r.get('first_row_seconds'), '{:.2f} s')} "
                     f"| {_cell(times, '{:.1f}×')} "
                     f"| {_cell(r.get('broker_cpu_seconds') or None, '{:.1f} s')} | {r['others_share']:.0%} "
                     f"| {r.get('extra', '')} |")
    if results.disturbed():
        lines.append("\n**Disturbed**: other programs took part of the machine (\"others\"), so events/s and "
                     "\"against Spark\" are no figures to go by, and what is missed above is not judged.")
    return "\n".join(lines)


def bound_text(results, name):
    """The bound of a file row, how far it is, and which part of it is the longest."""
    bound = results.bound(name)
    if bound is None:
        return ""
    events, cores = results.figure(name, "events"), results.bench.cores
    parts = [("read", 1 / results.figure("read")), ("simdjson", 1 / results.figure("simdjson")),
             ("write and sync", results.figure(name, "write_seconds") / events)]
    reached = results.figure(name)
    text = (f"Bound, {cores} threads: {bound:,.0f} events/s = 1 / ("
            + " + ".join(f"{seconds * 1e9:,.0f} ns {what}" for what, seconds in parts)
            + f"). Reached: {reached:,} = {reached / bound:.0%}, {1e9 / reached - 1e9 / bound:,.0f} ns an event more.")
    one = results.bound(name, cores=False)
    if results.figure(name, "events_per_cpu_second"):
        per_cpu = results.figure(name, "events_per_cpu_second")
        text += f" One thread: {one:,.0f}; a second of CPU: {per_cpu:,} = {per_cpu / one:.0%}."
    return text


def page(results, title):
    bench = results.bench
    given = bench.retail_input
    text = [f"# {title}", "",
            f"{machine()}. " + (f"{given.events:,} retail events of {given.bytes / given.events:.0f} bytes in 3 "
                                f"partitions (other rows: {bench.side_events:,}), median of {bench.runs}, "
                                f"Kafka 3.9.1, Spark 3.5.7 local[{bench.cores}]." if given else "")
            + (f" {results.note}" if results.note else ""),
            "How to read it: `bench/README.md`."]
    if results.targets():
        text += ["", "## Promised and reached", "", target_table(results)]
    if results.failed():
        text += ["", "**FAILED**:", "", *(f"- {line}" for line in results.failed())]
    if results.rows:
        text += ["", "## Events", "", row_table(results)]
    counted = results.tables.get("history", {})
    profiles = counted.get("profiles", {})
    for name, workload in (("retail-file", "retail"), ("stateless-file", "stateless")):
        if workload in profiles:
            text += ["", f"## Where the instructions go: {name}", ""]
            text += [bound_text(results, name), ""] if bound_text(results, name) else []
            text += [history.profile_table(profiles[workload])]
    produced = results.tables.get("broker-produce", {})
    if "rows" in produced:
        text += ["", "## Producers", "", f"ProducerPerformance of Kafka 3.9.1, load {produced['load']:.1f}.", "",
                 broker.produce_table(produced["rows"])]
    waited = results.tables.get("broker-latency", {})
    if "rows" in waited:
        text += ["", "## From producer to consumer", "",
                 f"Records sent at a fixed rate by librdkafka, load {waited['load']:.1f}.", "",
                 broker.latency_table(waited["rows"])]
    if "rows" in results.tables.get("broker-start", {}):
        text += ["", "## The broker's start, and at rest", "",
                 broker.start_table(results.tables["broker-start"]["rows"])]
    if results.tables.get("flow", {}).get("rows"):
        text += ["", "## Workflows", "", flow.table(results.tables["flow"]["rows"])]
    if "rows" in counted:
        text += ["", "## Instructions", "", history.table(counted)]
    if "rows" in results.tables.get("start", {}):
        text += ["", "## Start", "", f"Median of {start.TURNS}, from fork to end.", "",
                 start.table(results.tables["start"]["rows"])]
    return "\n".join(text) + "\n"


def _facts(results, today):
    bench = results.bench
    tables = {name: {k: v for k, v in t.items() if k != "profiles"} for name, t in results.tables.items()}
    profiles = results.tables.get("history", {}).get("profiles", {})
    return {"date": today, "machine": machine(), "complete": results.complete, "events": bench.events,
            "side_events": bench.side_events, "cores": bench.cores, "runs": bench.runs,
            "spark_settings": {"shuffle_partitions": bench.shuffle_partitions, "outputs": bench.outputs},
            "versions": {"spark": "3.5.7", "kafka": "3.9.1", "airflow": flow.VERSION}, "note": results.note,
            "targets": [dict(t, verdict=verdict(t)) for t in results.targets()], "failed": results.failed(),
            "bounds": {n: round(b) for n in ("retail-file", "retail-embedded", "stateless-file") if (b := results.bound(n))},
            "results": results.rows, "tables": tables,
            "layers": {name: counted.layers for name, counted in profiles.items()}}


def write(results):
    """Prints the page and keeps it: that of a complete run in bench/results, else below build. ret its path"""
    today = datetime.date.today().isoformat()
    folder = os.path.join(ROOT, "bench", "results") if results.complete else os.path.join(TOOLS, "results")
    os.makedirs(folder, exist_ok=True)
    text = page(results, today)
    path = os.path.join(folder, f"{today}.md")
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    with open(os.path.join(folder, f"{today}.json"), "w", encoding="utf-8") as out:
        json.dump(_facts(results, today), out, indent=1)
        out.write("\n")
    print(text)
    for target in results.targets():
        print(f"{target['what']}: {verdict(target)}")
    return path
