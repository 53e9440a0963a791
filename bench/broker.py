"""The embedded broker beside Apache Kafka on one machine in one run: what producers reach, start, and idling.

The client of both is Kafka's own ProducerPerformance, at full speed: its latencies are those of a full queue.
The two take turns, after a run of each that does not count (Kafka's compiler has seen its code then). Syncs are
counted by bench/syncs.c in both. The client takes far more of the machine than either broker, so on few cores the
speeds are close; the CPU that the brokers took tells them apart.
"""

import json
import os
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import time

import answers  # noqa: F401 It knows the folder of kafka_server.
from common import MILLRACE, Failure, run_tool, say, tool
from watch import session_usage

from kafka_server import LIBS, KafkaServer, free_ports

START_MAX_S = 0.1
IDLE_MAX_MB = 25
IDLE_CPU_MAX = 0.005  # Of one core: rounds to 0 %.
TURNS = 3
CHECK_S = 10  # How long what was not acknowledged may take to be there.
BYTES = {"kafka": 100_000_000, "fsync": 40_000_000}  # Of a run.
BYTES_QUICK = {"kafka": 10_000_000, "fsync": 4_000_000}
# durability: (config of the topic here, config of the topic there)
KINDS = {
    "kafka": ({"millrace.durability": "kafka"}, {}),
    "fsync": ({"millrace.durability": "fsync"}, {"flush.messages": "1"}),
}
_LINE = re.compile(r"(\d+) records sent, ([\d.]+) records/sec \(([\d.]+) MB/sec\).*, (\d+) ms 99th")


def ask_metadata(address, timeout=1.0):
    """The number of brokers that an address tells of; OSError while nobody answers."""
    host, port = address.rsplit(":", 1)
    body = struct.pack(">hhih", 3, 1, 1, -1) + struct.pack(">i", 0)  # Metadata v1, of no topics.
    with socket.create_connection((host, int(port)), timeout=timeout) as s:
        s.sendall(struct.pack(">i", len(body)) + body)
        got = b""
        while len(got) < 12:
            part = s.recv(4096)
            if not part:
                raise OSError("closed")
            got += part
    return struct.unpack(">i", got[8:12])[0]


def wait_for_broker(process, address, begun, timeout=60):
    """Seconds from begun until a client is told of a broker."""
    while time.perf_counter() - begun < timeout:
        if process.poll() is not None:
            raise Failure(f"it ended with {process.returncode} instead of starting")
        try:
            if ask_metadata(address) > 0:
                return time.perf_counter() - begun
        except OSError:
            pass
        time.sleep(0.001)
    raise Failure(f"no broker at {address} after {timeout} s")


class Syncs:
    """Counts the syncs of what is started with env()."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as file:
            file.write(bytes(8))

    def env(self):
        return dict(os.environ, LD_PRELOAD=tool("syncs"), BENCH_SYNCS=self.path)

    def count(self):
        with open(self.path, "rb") as file:
            return struct.unpack("=Q", file.read(8))[0]


class Up:
    """A project that is up: `millrace up` in a folder. What it says goes to <folder>/up.log."""

    create_topic, delete_topic = KafkaServer.create_topic, KafkaServer.delete_topic

    def __init__(self, folder, settings=(), env=None):
        self.folder, self.data = folder, os.path.join(folder, "data")
        self.address = f"127.0.0.1:{free_ports(1)[0]}"
        os.makedirs(os.path.join(folder, "sql"), exist_ok=True)
        command = [MILLRACE, "up", "--data", self.data]
        for setting in (f"broker.listen={self.address}", *settings):
            command += ["-c", setting]
        with open(os.path.join(folder, "millrace.yaml"), "a", encoding="utf-8"):
            pass  # It makes the folder a project.
        self.begun, self.begun_at = time.perf_counter(), time.time()
        with open(os.path.join(folder, "up.log"), "ab") as log:
            self.process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log,
                                            start_new_session=True)
        try:
            self.start_seconds = wait_for_broker(self.process, self.address, self.begun)
            while not os.path.exists(os.path.join(self.data, "owner.sock")):  # It comes right after.
                if self.process.poll() is not None or time.perf_counter() - self.begun > 60:
                    raise Failure("millrace up serves no commands")
                time.sleep(0.001)
        except Failure:
            self.stop()
            raise

    def status(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(10)
            try:
                s.connect(os.path.join(self.data, "owner.sock"))
            except ConnectionRefusedError:  # It is bound, and does not listen yet.
                time.sleep(0.01)
                s.connect(os.path.join(self.data, "owner.sock"))
            s.sendall(b"status\n")
            got = b""
            while not got.endswith(b"\n"):
                part = s.recv(65536)
                if not part:
                    raise Failure("millrace up hung up on a question")
                got += part
        return json.loads(got)

    def peak_bytes(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii", errors="replace") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

    def cpu_seconds(self):
        return session_usage(self.process.pid).get(self.process.pid, 0.0)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise Failure("millrace up does not end") from None


class Kafka(KafkaServer):
    """Apache Kafka whose syncs are counted, or whose start is timed."""

    def __init__(self, syncs=None):
        super().__init__(heap="1g")
        self._preload = {k: v for k, v in syncs.env().items() if k in ("LD_PRELOAD", "BENCH_SYNCS")} if syncs else {}

    def _java(self, main, *args):
        command = super()._java(main, *args)
        preload = [f"{name}={value}" for name, value in self._preload.items()] if main == "kafka.Kafka" else []
        return ["env", *preload, *command] if preload else command

    def _wait(self, timeout):
        self.start_seconds = wait_for_broker(self.process, self.address, time.perf_counter(), timeout)


# ---- producing ---------------------------------------------------------------------------------------


def perform(address, topic, case, records):
    """One run of ProducerPerformance; ret (records/s, MB/s, p99 in ms)."""
    command = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-cp", os.path.join(LIBS, "*"),
               "org.apache.kafka.tools.ProducerPerformance", "--topic", topic, "--num-records", str(records),
               "--record-size", str(case["record_bytes"]), "--throughput", "-1", "--producer-props",
               f"bootstrap.servers={address}", f"acks={case['acks']}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    found = _LINE.findall(done.stdout)
    if done.returncode != 0 or not found or int(found[-1][0]) != records:
        raise Failure(f"ProducerPerformance against {address}: {(done.stdout + done.stderr)[-600:]}")
    return float(found[-1][1]), float(found[-1][2]), int(found[-1][3])


def check_topic(address, topic, records):
    """Whether all that was sent can be read: by offsets, of which no record has two. With acks 0 it may still come."""
    from confluent_kafka import Consumer, TopicPartition
    consumer = Consumer({"bootstrap.servers": address, "group.id": "bench"})
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    end, held = time.monotonic() + CHECK_S, -1
    while held < records and time.monotonic() < end:
        held = sum(consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1] for p in partitions)
    consumer.close()
    if held != records:
        raise Failure(f"topic {topic} holds {held} records instead of {records}")


def run_case(case, sides, turns, records):
    """ret case with the medians of each side ("millrace", "kafka"), which take turns."""
    speeds = {side: [] for side in sides}
    for turn in range(turns):
        for side, (server, syncs) in sides.items():
            topic = f"p-{case['durability']}-{case['record_bytes']}-{case['acks']}-{case['partitions']}-{turn}"
            server.create_topic(topic, case["partitions"], KINDS[case["durability"]][side == "kafka"])
            before = syncs.count(), sum(session_usage(server.process.pid).values())
            got = perform(server.address, topic, case, records)
            cpu = sum(session_usage(server.process.pid).values()) - before[1]
            speeds[side].append((*got, syncs.count() - before[0], cpu))
            check_topic(server.address, topic, records)
            server.delete_topic(topic)
    row = dict(case, records=records)
    for side, runs in speeds.items():
        row[side] = {name: statistics.median(run[i] for run in runs)
                     for i, name in enumerate(("records_per_second", "mb_per_second", "p99_ms", "syncs", "cpu_seconds"))}
    row["times"] = round(row["millrace"]["records_per_second"] / row["kafka"]["records_per_second"], 3)
    return row


def run_produce(bench):
    """ret {"rows": [case with figures of both sides], "mixed": [...], "idle": [...]}"""
    turns = 1 if bench.quick else TURNS
    data = BYTES_QUICK if bench.quick else BYTES
    cases = [{"durability": kind, "record_bytes": size, "acks": acks, "partitions": partitions}
             for kind in KINDS for size in (100, 1024) for acks in ("0", "1", "all") for partitions in (1, 10, 100)]
    if bench.quick:
        cases = [c for c in cases if (c["record_bytes"], c["acks"]) == (1024, "all")]
    folder = os.path.join(bench.work, "broker")
    shutil.rmtree(folder, ignore_errors=True)
    syncs = {side: Syncs(os.path.join(bench.work, f"syncs-{side}")) for side in ("millrace", "kafka")}
    up, kafka = Up(folder, env=syncs["millrace"].env()), Kafka(syncs["kafka"])
    try:
        kafka.start()
        sides = {"millrace": (up, syncs["millrace"]), "kafka": (kafka, syncs["kafka"])}
        run_case(dict(cases[0], acks="all", partitions=11), sides, 1, 20_000)  # Warms up.
        rows = []
        for case in cases:
            say("broker-produce " + ", ".join(f"{k} {v}" for k, v in case.items()))
            rows.append(run_case(case, sides, turns, data[case["durability"]] // case["record_bytes"]))
        return {"rows": rows, "load": os.getloadavg()[0]}
    finally:
        up.stop()
        kafka.stop()


# ---- latency -----------------------------------------------------------------------------------------

# durability, record_bytes, acks, partitions, records a second: far below what either can take.
LATENCIES = (("kafka", 100, "1", 1, 1000), ("kafka", 1024, "all", 1, 1000), ("kafka", 1024, "all", 100, 1000),
             ("fsync", 1024, "all", 1, 500), ("fsync", 100, "all", 10, 500))
LATENCY_SECONDS, LATENCY_SECONDS_QUICK = 10, 2


def run_latency(bench):
    """ret {"rows": [case with percentiles of both sides in ms]}, from due to acknowledged and to read."""
    folder = os.path.join(bench.work, "latency")
    shutil.rmtree(folder, ignore_errors=True)
    seconds = LATENCY_SECONDS_QUICK if bench.quick else LATENCY_SECONDS
    up, kafka = Up(folder), Kafka()
    try:
        kafka.start()
        rows = []
        for durability, size, acks, partitions, rate in LATENCIES:
            row = {"durability": durability, "record_bytes": size, "acks": acks, "partitions": partitions, "rate": rate}
            say("broker-latency " + ", ".join(f"{k} {v}" for k, v in row.items()))
            runs = {"millrace": [], "kafka": []}
            for turn in range(1 + (1 if bench.quick else TURNS)):
                for side, server in (("millrace", up), ("kafka", kafka)):
                    topic = f"l-{durability}-{size}-{partitions}-{turn}"
                    server.create_topic(topic, partitions, KINDS[durability][side == "kafka"])
                    got = run_tool("latency", server.address, topic, partitions, size, acks, rate, seconds)
                    server.delete_topic(topic)
                    if turn > 0:  # The first warms up.
                        runs[side].append(got)
            for side, all_of in runs.items():
                row[side] = {f"{what}_{p}_ms": statistics.median(run[f"{what}_us"][p] for run in all_of) / 1000
                             for what in ("acknowledged", "read") for p in ("p50", "p99")}
            rows.append(row)
        return {"rows": rows, "load": os.getloadavg()[0]}
    finally:
        up.stop()
        kafka.stop()


def latency_table(rows):
    lines = ["| durability | record | acks | partitions | a second | acknowledged p50 | p99 | Kafka's p50 | p99 "
             "| read p50 | p99 | Kafka's p50 | p99 |",
             "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for row in rows:
        cells = [f"{row[side][f'{what}_{p}_ms']:.2f} ms" for what in ("acknowledged", "read")
                 for side in ("millrace", "kafka") for p in ("p50", "p99")]
        lines.append(f"| {_case_text(row)} | {row['rate']:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


# ---- start and idling --------------------------------------------------------------------------------


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def _idle(session, seconds):
    """(resident bytes, share of one core) of the processes of a session that nobody asks anything."""
    time.sleep(1)
    before = sum(session_usage(session).values())
    time.sleep(seconds)
    usage = session_usage(session)
    return sum(resident_bytes(pid) for pid in usage), (sum(usage.values()) - before) / seconds


def run_start(bench):
    """ret [{"system", "start_seconds", "idle_bytes", "idle_cpu"}], the start a median."""
    folder = os.path.join(bench.work, "idle")
    starts = []
    for _turn in range(5):
        shutil.rmtree(folder, ignore_errors=True)
        up = Up(folder)
        starts.append(up.start_seconds)
        up.stop()
    up = Up(folder)  # What it finds is there already.
    try:
        starts.append(up.start_seconds)
        held, cpu = _idle(up.process.pid, 3 if bench.quick else 10)
    finally:
        up.stop()
    rows = [{"system": "millrace up", "start_seconds": statistics.median(starts), "idle_bytes": held,
             "idle_cpu": cpu}]
    kafka = Kafka()
    try:
        kafka.start()
        held, cpu = _idle(kafka.process.pid, 3 if bench.quick else 10)
        rows.append({"system": "Apache Kafka", "start_seconds": kafka.start_seconds, "idle_bytes": held,
                     "idle_cpu": cpu})
    finally:
        kafka.stop()
    return rows


# ---- the page ----------------------------------------------------------------------------------------


def _case_text(row):
    return f"{row['durability']} | {row['record_bytes']} B | {row['acks']} | {row['partitions']}"


def mixed(rows):
    """Each fsync row here beside the row there that syncs nothing, whose producers risk more."""
    def key(row):
        return row["record_bytes"], row["acks"], row["partitions"]
    memory = {key(row): row["kafka"] for row in rows if row["durability"] == "kafka"}
    return [(row, memory[key(row)]) for row in rows if row["durability"] == "fsync" and key(row) in memory]


def produce_table(rows):
    lines = ["| durability | record | acks | partitions | millrace, MB/s | Kafka, MB/s | × | p99 | Kafka's p99 "
             "| CPU | Kafka's | syncs | Kafka's |", "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for row in rows:
        ours, theirs = row["millrace"], row["kafka"]
        lines.append(f"| {_case_text(row)} | {ours['mb_per_second']:.1f} | {theirs['mb_per_second']:.1f} "
                     f"| {row['times']:.2f} | {ours['p99_ms']:.0f} ms | {theirs['p99_ms']:.0f} ms "
                     f"| {ours['cpu_seconds']:.2f} s | {theirs['cpu_seconds']:.2f} s "
                     f"| {ours['syncs']:,.0f} | {theirs['syncs']:,.0f} |")
    lines += ["", "Every record synced here, none there (not judged):", "",
              "| record | acks | partitions | millrace, MB/s | Kafka, MB/s | p99 | Kafka's p99 | syncs |",
              "|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for row, theirs in mixed(rows):
        ours = row["millrace"]
        lines.append(f"| {_case_text(row).partition(' | ')[2]} | {ours['mb_per_second']:.1f} "
                     f"| {theirs['mb_per_second']:.1f} | {ours['p99_ms']:.0f} ms | {theirs['p99_ms']:.0f} ms "
                     f"| {ours['syncs']:,.0f} |")
    return "\n".join(lines)


def start_table(rows):
    lines = ["| | start | idle memory | idle CPU |", "|---|---:|---:|---:|"]
    for row in rows:
        lines.append(f"| {row['system']} | {row['start_seconds']:.3f} s | {row['idle_bytes'] / 1e6:,.1f} MB "
                     f"| {row['idle_cpu']:.1%} |")
    return "\n".join(lines)
