"""The retail example over files: right to the last row, however the work is cut."""

import datetime
import json
import os
import shutil

import pytest

import oracle
import retail_data
from conftest import (check_counts, check_retail, example, lake, micros_of, millrace, rows_of, same_rows, settings,
                      size, to_the_end)

EVENTS = size(100_000, 1_000_000)
SMALL = 3_000


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return prepare(retail_data.generate(EVENTS, 1, seed=11), tmp_path_factory.mktemp("large"))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return prepare(retail_data.generate(SMALL, 1, seed=12, dirt=4), tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return prepare(retail_data.generate(size(800, SMALL), 1, seed=13, hours=0.5, dirt=4),
                   tmp_path_factory.mktemp("tiny"))


def prepare(known, folder):
    known.path, = known.write(folder)
    known.expected = oracle.retail_expected(known.of(retail_data.GOOD))
    return known


def arguments(data, path, *more, sql="sql/retail.sql", until="end"):
    return ["run", sql, "--until", until, "--data", data, "--source", f"events=file:{path}", "--progress", "json",
            *more]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_result_is_right(large, tmp_path, workers):
    run = millrace(*arguments(tmp_path, large.path, *settings(workers=workers)))
    assert run.progress.done
    check_retail(tmp_path, large, large.expected)
    check_counts(large, run.progress)


@pytest.mark.parametrize("batch_rows", [1, 2, 3, 2048])
@pytest.mark.parametrize("workers", [1, 4])
def test_batch_size_changes_nothing(small, tmp_path, batch_rows, workers):
    run = millrace(*arguments(tmp_path, small.path, *settings(workers=workers, batch_rows=batch_rows)))
    check_retail(tmp_path, small, small.expected)
    check_counts(small, run.progress)


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("epoch_rows", [7, 100])
def test_restart_after_every_epoch_changes_nothing(small, tiny, tmp_path, workers, epoch_rows):
    known = tiny if epoch_rows == 7 else small
    lives = to_the_end(arguments(tmp_path, known.path, *settings(
        workers=workers, batch_rows=min(epoch_rows, 16), epoch_rows=epoch_rows, chunk_bytes=1024, stop_after_epochs=1)))
    # Else the input went by in one piece and nothing was proved. Each worker may be one chunk ahead.
    assert len(lives) >= known.table.num_rows // (epoch_rows + 8 * workers)
    epochs = [epoch for life in lives for epoch in life.progress.epochs()]
    assert epochs == sorted(set(epochs)), "an epoch was committed twice"
    check_retail(tmp_path, known, known.expected)
    check_counts(known, lives[-1].progress)


def test_another_number_of_workers_after_a_restart(small, tmp_path):
    for workers in (2, 4, 1, 3):
        millrace(*arguments(tmp_path, small.path, *settings(
            workers=workers, batch_rows=16, epoch_rows=200, chunk_bytes=1024, stop_after_epochs=2)))
    to_the_end(arguments(tmp_path, small.path, *settings(workers=4)))
    check_retail(tmp_path, small, small.expected)


def test_a_finished_pipeline_run_again_adds_nothing(small, tmp_path):
    millrace(*arguments(tmp_path, small.path))
    before = {f: os.stat(f).st_mtime_ns for f in oracle.files(tmp_path)}
    again = millrace(*arguments(tmp_path, small.path))
    assert again.progress.done
    assert {f: os.stat(f).st_mtime_ns for f in oracle.files(tmp_path)} == before
    check_retail(tmp_path, small, small.expected)


def test_fresh_begins_anew(small, tmp_path):
    millrace(*arguments(tmp_path, small.path, *settings(epoch_rows=500, batch_rows=16, chunk_bytes=1024, stop_after_epochs=2)))
    shutil.rmtree(lake(tmp_path, "segment_metrics"), ignore_errors=True)
    for table in ("events_bad", "events_late"):
        shutil.rmtree(lake(tmp_path, table), ignore_errors=True)
    millrace(*arguments(tmp_path, small.path, "--fresh"))
    check_retail(tmp_path, small, small.expected)


def test_available_now_keeps_open_windows(small, tmp_path):
    millrace(*arguments(tmp_path, small.path, until="available-now"))
    last_us = max(t for t, in rows_of(small.of("good", "dup", "late"), ["event_us"]))
    closed = oracle.retail_expected(small.of("good"), last_us - retail_data.DELAY_US)
    assert 0 < len(closed) < len(small.expected)
    check_retail(tmp_path, small, closed)
    # The kept ones come out when the end is declared.
    millrace(*arguments(tmp_path, small.path, until="end"))
    check_retail(tmp_path, small, small.expected)


def test_a_folder_is_read_in_the_order_of_its_names(small, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    lines, third = small.lines[0], len(small.lines[0]) // 3
    for i in range(3):
        part = lines[i * third: (i + 1) * third if i < 2 else None]
        (folder / f"part-{i}.jsonl").write_bytes(b"".join(line + b"\n" for line in part))
    data = tmp_path / "data"
    millrace(*arguments(data, folder))
    got = oracle.read_duckdb(lake(data, "segment_metrics"), oracle.RETAIL_COLUMNS, ("country", "VARCHAR"))
    oracle.compare(oracle.RETAIL_COLUMNS, small.expected, got)
    late = oracle.read_duckdb(lake(data, "events_late"), ["event_id", "event_time"])
    same_rows("events_late", rows_of(small.listed_late(), ["event_id", "event_us"]), late)


def test_output_path_moves_the_lake(small, tmp_path):
    millrace(*arguments(tmp_path / "data", small.path, "--set", f"OUTPUT_PATH={tmp_path / 'elsewhere'}"))
    got = oracle.read_duckdb(str(tmp_path / "elsewhere" / "segment_metrics"), oracle.RETAIL_COLUMNS,
                             ("country", "VARCHAR"))
    oracle.compare(oracle.RETAIL_COLUMNS, small.expected, got)


def test_jsonl_beside_parquet(small, tmp_path):
    """Two sinks of unlike kind and trigger in one pipeline hold the same rows."""
    sql, project = example("retail", tmp_path, (
        "INSERT INTO segment_metrics SELECT * FROM windowed;",
        "INSERT INTO segment_metrics SELECT * FROM windowed;\n"
        f"CREATE SERVER lines FOREIGN DATA WRAPPER jsonl OPTIONS (path '{tmp_path}/lines');\n"
        "CREATE FOREIGN TABLE metrics_lines () SERVER lines OPTIONS (path 'metrics', mode 'append');\n"
        "INSERT INTO metrics_lines SELECT * FROM windowed;"))
    millrace(*arguments(tmp_path / "data", small.path, *settings(epoch_rows=300, batch_rows=16), sql=sql), cwd=project)
    check_retail(tmp_path / "data", small, small.expected)

    rows = []
    for path in sorted((tmp_path / "lines" / "metrics").rglob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            for name in ("window_start", "window_end", "max_event_time"):
                row[name] = micros_of(row[name])
            row["event_date"] = datetime.date.fromisoformat(row["event_date"])
            rows.append(tuple(row.get(name) for name in oracle.RETAIL_COLUMNS))
    oracle.compare(oracle.RETAIL_COLUMNS, small.expected, rows)
