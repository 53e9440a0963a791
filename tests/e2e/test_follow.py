"""A pipeline that follows a file: pauses cost nothing, and what comes after one is shown."""

import os
import signal
import time

from conftest import example, settings, start, wait_until

PAUSE_S = 2.0
TICK = os.sysconf("SC_CLK_TCK")
ROWS = 20


def event(number):
    second = number // 10
    return (f'{{"event_id": "e{number}", "user_id": 1, "product_id": 1, "amount": 1.0, "country": "in", '
            f'"device": "tv", "event_time": "2026-01-01T00:00:{second:02}Z"}}\n')


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def shown(line):
    return next(s["num_output_rows_total"] for s in line["sinks"] if s["description"] == "segment_console")


def read_bytes(pid):
    with open(f"/proc/{pid}/io", encoding="utf-8") as io:
        return int(io.readline().split()[1])


def add(events, numbers):
    """In one write, so that no reader sees a part of them; ret: how many bytes."""
    text = "".join(event(n) for n in numbers).encode()
    with open(events, "ab", buffering=0) as file:
        assert file.write(text) == len(text)
    return len(text)


def test_pauses(tmp_path):
    sql, folder = example("retail", tmp_path, (
        "idle_timeout '10 seconds'", "idle_timeout '100 milliseconds', emit_timeout '200 milliseconds'"))
    events = tmp_path / "events.jsonl"
    add(events, range(ROWS))
    run = start("run", sql, "--source", f"events=file:{events}", "--data", tmp_path / "data",
                "--progress", "json", *settings(workers=2, epoch="100ms"), cwd=folder)
    idle = []
    for rows in (ROWS, 2 * ROWS, 3 * ROWS):
        run.reaches(lambda said: said.lines and said.last("input_rows_total") == rows, f"{rows} rows")
        time.sleep(PAUSE_S)  # The clock closes what it can.
        before = cpu_seconds(run.process.pid)
        time.sleep(PAUSE_S)
        idle.append(cpu_seconds(run.process.pid) - before)
        if rows < 3 * ROWS:
            add(events, range(rows, rows + ROWS))
    run.signal(signal.SIGTERM)
    run.wait(60)
    with_rows = [line for line in run.progress.lines if line["num_input_rows"] > 0]
    assert [line["input_rows_total"] for line in with_rows] == [20, 40, 60], run.err[-3000:]
    # A group that changed after a pause is shown with the epoch that changed it.
    assert [shown(line) > 0 for line in with_rows] == [True] * 3
    assert shown(with_rows[0]) < shown(with_rows[1]) < shown(with_rows[2])
    # The clock alone commits nothing: at most the windows that it closed once.
    assert len(run.progress.lines) - len(with_rows) <= 4, [line["epoch"] for line in run.progress.lines]
    assert min(idle) < 0.05 * PAUSE_S, f"CPU seconds in pauses of {PAUSE_S} s: {idle}"


def test_a_backlog_is_committed_when_it_is_worked_off(tmp_path):
    sql, folder = example("retail", tmp_path)
    events = tmp_path / "events.jsonl"
    events.write_text("".join(event(n) for n in range(500)), encoding="utf-8")
    run = start("run", sql, "--source", f"events=file:{events}", "--data", tmp_path / "data",
                "--progress", "json", *settings(workers=2, epoch="10m", epoch_first="10m"), cwd=folder)
    run.reaches(lambda said: said.lines, "the first commit")
    # It is not behind any more: what comes now waits for its epoch's end, which is the stop.
    before = read_bytes(run.process.pid)
    more = add(events, range(500, 520))
    wait_until(lambda: read_bytes(run.process.pid) - before >= more, 20, "the rows to be read")
    time.sleep(PAUSE_S)
    run.signal(signal.SIGTERM)
    run.wait(60)
    assert [line["input_rows_total"] for line in run.progress.lines if line["num_input_rows"] > 0] == [500, 520], run.err
