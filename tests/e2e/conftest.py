"""What the end-to-end tests share: the program under test, a real Kafka, and the lake's tables.

    make && scripts/setup test && build/deps/venv/bin/python -m pytest tests/e2e

MILLRACE=path         the program (default build/millrace)
MILLRACE_SOAK=1       1,000,000 rows, 50 kills, Spark as a reader too; else small sizes for every day
"""

import collections
import datetime
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import uuid

import pyarrow as pa
import pyarrow.parquet
import pytest
from confluent_kafka import Consumer, TopicPartition

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import oracle  # noqa: E402
import retail_data  # noqa: E402
from broker_server import wait_until  # noqa: E402, F401
from kafka_server import KafkaServer  # noqa: E402
from postgres_server import PostgresServer  # noqa: E402

ROOT = oracle.ROOT
EXAMPLES = os.path.join(ROOT, "examples")
MILLRACE = os.path.abspath(os.environ.get("MILLRACE", os.path.join(ROOT, "build", "millrace")))
SOAK = os.environ.get("MILLRACE_SOAK") == "1"
# Names of the outside must not leak in from the shell that runs the tests.
FOREIGN_NAMES = ("KAFKA_BOOTSTRAP_SERVERS", "KAFKA_TOPIC", "OUTPUT_PATH", "RUN_ID", "MILLRACE_DATA")


def size(quick, soak):
    return soak if SOAK else quick


# The files that take longest begin, so that no worker is left alone with one at the end.
LONGEST = ["test_kafka_source", "test_table_tasks", "test_broker_security", "test_record_commands", "test_container",
           "test_groups", "test_transactions", "test_yardstick", "test_crash_points", "test_retail_kafka", "test_kill",
           "test_flow", "test_broker", "test_generate", "test_commands", "test_broker_admin", "test_order"]


def pytest_collection_modifyitems(items):
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


# ---- the program -------------------------------------------------------------------------------------


class Progress:
    """The JSON lines of --progress json on standard error: one an epoch that was committed.

    Used of each: epoch, input_rows_total, bad_rows_total, late_rows_total (all rows of the late table),
    duplicates_total, recovered (the first after a restart from a commit), done (the input has ended and
    everything is out; also said by a life that had nothing left to do).
    """

    def __init__(self, text):
        self.lines = []
        for line in text.splitlines():
            try:
                self.lines += [json.loads(line)] if line.startswith("{") else []
            except json.JSONDecodeError:
                pass  # A kill cut it short.

    def last(self, name):
        return self.lines[-1][name]

    def epochs(self):
        return [line["epoch"] for line in self.lines if "epoch" in line]

    @property
    def done(self):
        """The whole input has been read and its results are out."""
        return any(line.get("done") for line in self.lines)


class Run:
    """One life of the program: its arguments, exit code, standard output, errors and progress.

    Its errors go to a file: they can be looked at while it runs, and nobody has to read them for it to go on.
    """

    def __init__(self, args, cwd, env):
        self.args = [MILLRACE, *map(str, args)]
        clean = {k: v for k, v in os.environ.items() if k not in FOREIGN_NAMES}
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self.args, cwd=cwd, env={**clean, **(env or {})}, text=True,
                                        stdout=subprocess.PIPE, stderr=self.errors)
        self.out = self.err = None

    def said(self):
        """Its errors until now."""
        return os.pread(self.errors.fileno(), os.fstat(self.errors.fileno()).st_size, 0).decode(errors="replace")

    def reaches(self, true, what, timeout=20):
        """Waits until what it has said is so: true(Progress)."""
        def look():
            over = self.process.poll() is not None
            assert true(Progress(self.said())) or not over, f"it ended before {what}:\n{self.said()[-3000:]}"
            return true(Progress(self.said()))
        wait_until(look, timeout, what)

    def wait(self, timeout):
        """timeout: as of wait_until."""
        try:
            self.out, _ = self.process.communicate(timeout=min(6 * timeout, 300))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise AssertionError(f"not done after {timeout} s: {' '.join(self.args)}\n{self.said()[-3000:]}") from None
        self.err = self.said()
        self.code = self.process.returncode
        self.progress = Progress(self.err)
        return self

    def signal(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)

    def good(self):
        assert self.code == 0, f"exit code {self.code}: {' '.join(self.args)}\n{self.err[-3000:]}"
        return self


def start(*args, cwd=None, env=None):
    """Starts the program; the caller waits for it."""
    if not os.access(MILLRACE, os.X_OK):
        pytest.fail(f"no program {MILLRACE}: run make")
    return Run(args, cwd or os.path.join(EXAMPLES, "retail"), env)


def millrace(*args, timeout=300, cwd=None, env=None):
    """Runs the program to its end, which must be a good one."""
    return start(*args, cwd=cwd, env=env).wait(timeout).good()


def settings(**values):
    """-c exec.batch_rows=1 … from batch_rows=1."""
    return [word for name, value in values.items() for word in ("-c", f"exec.{name}={value}")]


def to_the_end(args, lives_max=5000, timeout=120, **where):
    """Runs the program again and again until it says that all is done; ret: its lives."""
    lives = []
    while len(lives) < lives_max:
        lives.append(millrace(*args, timeout=timeout, **where))
        if lives[-1].progress.done:
            return lives
        assert lives[-1].progress.lines, f"a life without an epoch that is not the last\n{lives[-1].err[-2000:]}"
    raise AssertionError(f"not done after {lives_max} lives")


def example(name, tmp_path, *changes):
    """An example's SQL with words replaced, as a file beside the original; ret: its path and its folder.

    changes  (old, new): old must be there exactly once, so that a change of the example is noticed
    """
    folder = os.path.join(EXAMPLES, name)
    with open(os.path.join(folder, "sql", f"{name}.sql"), encoding="utf-8") as sql:
        text = sql.read()
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}.sql"
        text = text.replace(old, new)
    if not changes:
        return os.path.join(folder, "sql", f"{name}.sql"), folder
    project = tmp_path / f"{name}-project"
    (project / "sql").mkdir(parents=True, exist_ok=True)
    path = project / "sql" / f"{name}.sql"
    path.write_text(text, encoding="utf-8")
    dim = project / "dim"
    if os.path.isdir(os.path.join(folder, "dim")) and not dim.exists():
        dim.symlink_to(os.path.join(folder, "dim"))
    return str(path), str(project)


# ---- what must be in the lake -----------------------------------------------------------------------


def lake(data, table):
    return os.path.join(data, "lake", table)


def check_retail(data, known, expected=None):
    """The result, the bad and the late table, read back by each reader."""
    expected = expected or oracle.retail_expected(known.of(retail_data.GOOD))
    path = lake(data, "segment_metrics")
    columns, compare = oracle.RETAIL_COLUMNS, oracle.compare
    compare(columns, expected, oracle.read_duckdb(path, columns, ("country", "VARCHAR")))
    compare(columns, expected, oracle.read_pyarrow(path, columns, ("country", pa.string())))
    if SOAK:
        compare(columns, expected, oracle.read_spark(path, columns))
    check_files(path)
    check_bad(data, "events", known)
    # The columns that some query of the file reads: nothing asks for the device.
    check_late(data, "events", known, ["event_id", "user_id", "product_id", "amount", "country", "event_time"],
               ["event_id", "user_id", "product_id", "amount", "country", "event_us"])


def check_files(path):
    """Nothing but whole Parquet files in sight of a reader, and the types that other engines expect."""
    for folder, _folders, names in os.walk(path):
        if os.path.basename(folder) == ".tmp" or f"{os.sep}.tmp{os.sep}" in folder:
            continue
        assert all(name.endswith(".parquet") or name[0] in "._" for name in names), (folder, names)
    file = oracle.files(path)[0]
    schema = pa.parquet.read_schema(file)
    assert schema.field("window_end").type == pa.timestamp("us", "UTC")
    if "total_amount" in schema.names:
        assert schema.field("total_amount").type == pa.float64()
        assert schema.field("unique_events").type == pa.int64()
        assert schema.field("event_date").type == pa.date32()


def rows_of(table, names):
    return list(zip(*[table[name].to_pylist() for name in names])) if table.num_rows else []


def same_rows(what, want, got):
    """Two multisets of plain rows, exactly; says what is missing and what is too much."""
    want, got = (collections.Counter(map(tuple, rows)) for rows in (want, got))
    missing, extra = want - got, got - want
    assert not missing and not extra, (
        f"{what}: {missing.total()} of {want.total()} rows missing: {list(missing)[:4]}; "
        f"{extra.total()} too many: {list(extra)[:4]}")


def check_bad(data, source, known):
    """The bad table holds exactly the malformed rows, byte by byte, each with a reason and its place."""
    bad = known.of(retail_data.BAD)
    got = oracle.read_duckdb(lake(data, f"{source}_bad"), ["raw", "partition", "offset", "reason"])
    same_rows(f"{source}_bad", rows_of(bad, ["line"]), [(bytes(row[0]),) for row in got])
    assert all(row[3] for row in got), "a bad row without a reason"
    same_rows(f"places in {source}_bad", places(known, bad), [row[1:3] for row in got])


def check_late(data, source, known, columns, known_columns):
    """The late table holds exactly the rows that missed a window, and those from the future."""
    late = known.listed_late()
    names = [*columns, "_partition", "_offset", "_reason", "_watermark", "_windows"]
    got = oracle.read_duckdb(lake(data, f"{source}_late"), names)
    n = len(columns)
    same_rows(f"places in {source}_late", places(known, late), [row[n:n + 2] for row in got])
    same_rows(f"rows of {source}_late", rows_of(late, known_columns), [row[:n] for row in got])
    by_place = {row[n:n + 2]: row[n + 2:] for row in got}
    for place, cls, missed, watermark in zip(
            places(known, late), *[late[c].to_pylist() for c in ("cls", "missed", "watermark_us")]):
        reason, got_watermark, windows = by_place[place]
        if cls == retail_data.FUTURE:
            assert reason == "future", (place, reason)
        else:
            assert (reason, got_watermark) == ("late", watermark), (place, reason, got_watermark, watermark)
            assert len(windows.split(", ")) == missed, (place, windows, missed)


def places(known, rows):
    """(partition, offset) as the source counts: Kafka's offsets, or bytes from the start of a file."""
    pairs = rows_of(rows, ["partition", "position"])
    if getattr(known, "in_kafka", False):
        return pairs
    starts = [known.byte_offsets(p) for p in range(known.partitions)]
    return [(p, starts[p][i]) for p, i in pairs]


def check_counts(known, progress):
    """What the last epoch's totals say adds up to what went in."""
    counts = known.counts()
    assert progress.last("input_rows_total") == known.table.num_rows
    assert progress.last("bad_rows_total") == counts[retail_data.BAD]
    assert progress.last("late_rows_total") == known.listed_late().num_rows
    if counts[retail_data.DUP]:
        assert progress.last("duplicates_total") == counts[retail_data.DUP]


# ---- Kafka ---------------------------------------------------------------------------------------------


def read_all(address, topic, isolation="read_committed"):
    """Every record of a topic as librdkafka sees it: its messages, one partition behind the other."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": uuid.uuid4().hex, "isolation.level": isolation,
                         "enable.auto.commit": False, "enable.partition.eof": True, "check.crcs": True})
    left = set(consumer.list_topics(topic, timeout=120).topics[topic].partitions)
    consumer.assign([TopicPartition(topic, p, 0) for p in left])
    records, end = [], time.monotonic() + 300
    while left:
        assert time.monotonic() < end, f"topic {topic} does not end: {left}"
        for message in consumer.consume(5000, 0.1):
            if message.error() is None:
                records.append(message)
            else:
                left.discard(message.partition())
    consumer.close()
    return sorted(records, key=lambda m: (m.partition(), m.offset()))


@pytest.fixture(scope="session")
def kafka():
    server = KafkaServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def topic(kafka):
    """A new topic of three partitions."""
    name = f"events-{uuid.uuid4().hex[:8]}"
    kafka.create_topic(name, 3)
    yield name
    kafka.delete_topic(name)


@pytest.fixture(scope="module")
def postgres():
    with PostgresServer() as server:
        yield server


def kafka_env(kafka, topic):
    return {"KAFKA_BOOTSTRAP_SERVERS": kafka.address, "KAFKA_TOPIC": topic}


def micros_of(text):
    """A time in ISO 8601, with its zone, as microseconds since 1970."""
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    assert moment.tzinfo is not None, f"{text} has no zone"
    return (moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1)


def console_rows(text):
    """The rows of the tables that the console shows, as dicts, in the order in which they were shown."""
    rows, header = [], None
    for line in text.splitlines():
        if re.match(r"\+[-+]+\+$", line):
            continue
        if not line.startswith("|"):
            header = None
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if header is None:
            header = cells
        else:
            rows.append(dict(zip(header, cells)))
    return rows


SIGTERM, SIGKILL = signal.SIGTERM, signal.SIGKILL
