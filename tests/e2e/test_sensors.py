"""The sensors example: averages on the console, raw rows in Parquet, from files and from Kafka."""

import datetime
import os

import pyarrow as pa
import pytest

import oracle
import retail_data
import sensors_data
from conftest import (EXAMPLES, SIGTERM, check_bad, check_counts, check_late, console_rows, example, kafka_env, lake,
                      millrace, rows_of, same_rows, settings, size, start, to_the_end)

READINGS = size(50_000, 500_000)
SENSORS = os.path.join(EXAMPLES, "sensors")
RAW_COLUMNS = ["id", "ts", "value", "source"]

# The averages go to a table that can be read back exactly; the rest of the file stays.
TO_PARQUET = (
    "CREATE FOREIGN TABLE averages () SERVER console\n  OPTIONS (mode 'update', truncate 'false', "
    "trigger '10 seconds');",
    "CREATE FOREIGN TABLE averages () SERVER lake OPTIONS (path 'averages', mode 'append', trigger '10 seconds');")


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    made = sensors_data.generate(READINGS, 1, seed=31)
    made.path, = made.write(tmp_path_factory.mktemp("sensors"), "readings")
    return prepare(made)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    made = sensors_data.generate(2_000, 1, seed=32)
    made.path, = made.write(tmp_path_factory.mktemp("sensors"), "readings")
    return prepare(made)


def prepare(made):
    made.expected = oracle.sensors_expected(made.of(retail_data.GOOD))
    return made


def arguments(data, path, *more, sql="sql/sensors.sql"):
    return ["run", sql, "--until", "end", "--data", data, "--source", f"readings=file:{path}",
            "--set", "RUN_ID=7", "--progress", "json", *more]


def check_raw(data, known, run_id="7"):
    """Every well-formed reading, late ones too: rows without a window have nothing to be late for."""
    want = rows_of(known.of(retail_data.GOOD, retail_data.LATE), ["id", "event_us", "value", "source"])
    path = lake(data, f"run_{run_id}")
    same_rows("raw by DuckDB", want, oracle.read_duckdb(path, RAW_COLUMNS, ("id", "INT")))
    same_rows("raw by pyarrow", want, oracle.read_pyarrow(path, RAW_COLUMNS, ("id", pa.int32())))
    if os.environ.get("MILLRACE_SOAK") == "1":
        same_rows("raw by Spark", want, oracle.read_spark(path, RAW_COLUMNS, infer_partition_type=True))
    assert {f for f in os.listdir(path) if f[0] != "."} >= {f"id={i}" for i in range(5)}
    check_bad(data, "readings", known)
    check_late(data, "readings", known, RAW_COLUMNS, ["id", "event_us", "value", "source"])


def check_averages(data, known):
    got = oracle.read_duckdb(lake(data, "averages"), oracle.SENSORS_COLUMNS)
    oracle.compare(oracle.SENSORS_COLUMNS, known.expected, got)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_result_is_right(known, tmp_path, workers):
    sql, project = example("sensors", tmp_path, TO_PARQUET)
    run = millrace(*arguments(tmp_path / "data", known.path, *settings(workers=workers), sql=sql), cwd=project)
    check_averages(tmp_path / "data", known)
    check_raw(tmp_path / "data", known)
    check_counts(known, run.progress)


@pytest.mark.parametrize("batch_rows", [1, 2, 3, 2048])
def test_batch_size_changes_nothing(small, tmp_path, batch_rows):
    sql, project = example("sensors", tmp_path, TO_PARQUET)
    millrace(*arguments(tmp_path / "data", small.path, *settings(batch_rows=batch_rows, workers=2), sql=sql),
             cwd=project)
    check_averages(tmp_path / "data", small)
    check_raw(tmp_path / "data", small)


def test_restart_after_every_epoch_changes_nothing(small, tmp_path):
    sql, project = example("sensors", tmp_path, TO_PARQUET)
    lives = to_the_end(arguments(tmp_path / "data", small.path, *settings(
        workers=2, batch_rows=16, epoch_rows=100, chunk_bytes=1024, stop_after_epochs=1), sql=sql), cwd=project)
    assert len(lives) >= 5
    check_averages(tmp_path / "data", small)
    check_raw(tmp_path / "data", small)


def test_the_console_shows_the_averages(small, tmp_path):
    """The example as it is: the last value shown for a window and a sensor is its average."""
    sql, project = example("sensors", tmp_path, ("truncate 'false'", "truncate 'false', rows '100000'"))
    run = millrace(*arguments(tmp_path / "data", small.path, sql=sql), cwd=project)
    check_raw(tmp_path / "data", small)
    shown = {}
    for row in console_rows(run.out):
        assert list(row) == oracle.SENSORS_COLUMNS
        shown[row["window_start"], row["window_end"], int(row["id"])] = float(row["avg_value"])
    assert "Batch:" in run.out
    want = {}
    for start_us, end_us, key, average in small.expected:
        moments = [datetime.datetime.fromtimestamp(us // 1_000_000, datetime.timezone.utc).strftime(
            "%Y-%m-%d %H:%M:%S") for us in (start_us, end_us)]
        want[(*moments, key)] = average
    assert {(a[:19], b[:19], k) for a, b, k in shown} == set(want)
    for (a, b, k), value in shown.items():
        assert value == pytest.approx(want[a[:19], b[:19], k], rel=1e-9)


def test_without_changes_only_twenty_rows_of_a_batch_are_shown(small, tmp_path):
    run = millrace(*arguments(tmp_path, small.path), cwd=SENSORS)
    check_raw(tmp_path, small)
    rows = console_rows(run.out)
    assert 0 < len(rows) <= 20 * run.out.count("Batch:")


def test_latest_means_what_comes_after_the_start(kafka, topic, tmp_path):
    """From Kafka: what was in the topic before the first start is not read, what comes later is, once."""
    env = {**kafka_env(kafka, topic), "RUN_ID": "7"}
    before = sensors_data.generate(500, 3, seed=33)
    after = prepare(sensors_data.generate(3_000, 3, seed=34))
    kafka.produce(topic, before.lines)
    sql, project = example("sensors", tmp_path, TO_PARQUET)
    data = tmp_path / "data"
    # The first start resolves "latest" and commits it before it reads: nothing is there for it yet.
    millrace("run", sql, "--until", "available-now", "--data", data, "--progress", "json", env=env, cwd=project)
    third = [[lines[len(lines) * i // 3: len(lines) * (i + 1) // 3] for lines in after.lines] for i in range(3)]
    for helping in third[:2]:
        run = start("run", sql, "--data", data, "--progress", "json", env=env, cwd=project)
        kafka.produce(topic, helping)
        run.reaches(lambda said: said.lines, "a commit")
        run.signal(SIGTERM)
        assert run.wait(30).code in (0, 130), run.err[-2000:]
    kafka.produce(topic, third[2])
    millrace("run", sql, "--until", "end", "--data", data, "--progress", "json", env=env, cwd=project)
    check_averages(data, after)
    shift = [len(lines) for lines in before.lines]
    after.in_kafka = True
    positions = [i + shift[p] for p, i in zip(*[after.table[c].to_pylist() for c in ("partition", "position")])]
    after.table = after.table.set_column(1, "position", pa.array(positions, pa.int64()))
    check_raw(data, after)
