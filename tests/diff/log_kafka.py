"""Logs of src/log read by Kafka's own DumpLogSegments, and logs of a real Kafka read by src/log.

    log_kafka.py build/diff-log_dump       ends with `N passed, N failed`
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))

from confluent_kafka import Producer  # noqa: E402
from kafka_server import LIBS, KafkaServer  # noqa: E402

passed = failed = 0


def check(what, ok, detail=""):
    global passed, failed
    passed += bool(ok)
    failed += not ok
    if not ok:
        print(f"{what}: {detail}"[:2000])


def kafka_dump(*args):
    run = subprocess.run(["java", "-Xmx256m", "-cp", os.path.join(LIBS, "*"),
                          "kafka.tools.DumpLogSegments", *args], capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


def ours(program, folder):
    out = subprocess.run([program, "read", folder], capture_output=True, text=True)
    check(f"reading {folder}", out.returncode == 0, out.stderr)
    return [json.loads(line) for line in out.stdout.splitlines()]


def of_kind(rows, key):
    return [row for row in rows if key in row]


BAD = re.compile("mismatch|corrupt|error|exception|not found|out of order|invalid bytes", re.I)


def check_files(folder):
    """Every file is read without a complaint; the batches that the tool saw."""
    batches = []
    for suffix in ("log", "index", "timeindex", "txnindex", "snapshot"):
        files = sorted(glob.glob(os.path.join(folder, f"*.{suffix}")))
        check(f"{folder} has {suffix} files", files)
        options = ["--print-data-log"] if suffix == "log" else []
        code, text = kafka_dump("--files", ",".join(files), *options)
        check(f"{suffix} files of {folder}", code == 0 and not BAD.search(text), text[-1500:])
        if suffix == "log":
            for line in text.splitlines():
                if line.startswith("baseOffset:"):
                    words = line.split()
                    fields = {words[i][:-1]: words[i + 1] for i in range(0, len(words) - 1, 2)}
                    check("isvalid", fields["isvalid"] == "true", line)
                    batches.append((int(fields["baseOffset"]), int(fields["lastOffset"]),
                                    int(fields["count"])))
        if suffix in ("index", "timeindex"):
            code, text = kafka_dump("--index-sanity-check", "--files", ",".join(files))
            check(f"sanity of {suffix} of {folder}",
                  code == 0 and len(re.findall("passed sanity check|is empty", text)) == len(files),
                  text[-1500:])
    return batches


def check_written(program, root):
    out = subprocess.run([program, "write", root], capture_output=True, text=True)
    check("writing", out.returncode == 0, out.stderr)
    freed = json.loads(out.stdout.splitlines()[-1])
    check("compaction freed half", freed["freed"] * 2 > freed["before"], freed)
    for name in ("plain-0", "compacted-0"):
        folder = os.path.join(root, name)
        theirs = check_files(folder)
        rows = of_kind(ours(program, folder), "base")
        check(f"same batches in {name}",
              theirs == [(r["base"], r["last"], r["records"]) for r in rows],
              f"{len(theirs)} and {len(rows)}")


def produce(address, topic):
    plain = Producer({"bootstrap.servers": address, "compression.type": "lz4",
                      "enable.idempotence": True})
    for i in range(3000):
        plain.produce(topic, key=f"k{i % 50}", value=f"value {i}", partition=0)
        if i % 200 == 0:
            plain.flush()
    plain.flush()
    writer = Producer({"bootstrap.servers": address, "transactional.id": "t"})
    writer.init_transactions()
    for i in range(12):
        writer.begin_transaction()
        for j in range(20):
            writer.produce(topic, key=f"t{j}", value=f"{i}/{j}", partition=0)
        writer.flush()
        if i % 3 == 2:
            writer.abort_transaction()
        else:
            writer.commit_transaction()
    writer.begin_transaction()  # Left open.
    writer.produce(topic, value="open", partition=0)
    writer.flush()
    return writer


def check_read(program, root):
    """A folder of a Kafka that was stopped, and of one that was killed."""
    kafka = KafkaServer()
    kafka.start()
    try:
        kafka.create_topic("t", 1, {"segment.bytes": "20000", "index.interval.bytes": "1000"})
        writer = produce(kafka.address, "t")
        live = kafka.path("logs/t-0")
        shutil.copytree(live, os.path.join(root, "live", "t-0"))  # As a kill leaves it.
        del writer
    finally:
        os.kill(kafka.process.pid, 15)
        kafka.process.wait()
        shutil.copytree(kafka.path("logs/t-0"), os.path.join(root, "stopped", "t-0"))
        kafka.stop()
    for way in ("live", "stopped"):
        folder = os.path.join(root, way, "t-0")
        logs = sorted(glob.glob(os.path.join(folder, "*.log")))
        _, text = kafka_dump("--files", ",".join(logs))
        theirs = [(int(m[1]), int(m[2])) for m in
                  re.finditer(r"^baseOffset: (\d+) lastOffset: (\d+)", text, re.M)]
        rows = ours(program, folder)
        check(f"{way}: same batches", theirs == [(r["base"], r["last"]) for r in of_kind(rows, "base")],
              f"{len(theirs)} and {len(of_kind(rows, 'base'))}")
        check(f"{way}: aborted", len(of_kind(rows, "aborted")) == 4, of_kind(rows, "aborted"))
        open_ones = [r for r in of_kind(rows, "state") if r["open"] >= 0]
        check(f"{way}: one open", len(open_ones) == 1, of_kind(rows, "state"))
        check(f"{way}: stable", open_ones and rows[0]["stable"] == open_ones[0]["open"], rows[0])
        if way == "stopped":  # After our start and stop Kafka's tool still reads all of it.
            check_files(folder)


def main():
    program = os.path.abspath(sys.argv[1])
    root = tempfile.mkdtemp(prefix="millrace-log-")
    try:
        check_written(program, root)
        check_read(program, root)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
