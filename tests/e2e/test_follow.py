"""A pipeline that follows a file: pauses cost nothing, and what comes after one is shown."""

import json
import os
import signal
import threading
import time

from conftest import example, settings, start

PAUSE_S = 2.0
TICK = os.sysconf("SC_CLK_TCK")


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


def test_pauses(tmp_path):
    sql, folder = example("retail", tmp_path, (
        "idle_timeout '10 seconds'", "idle_timeout '100 milliseconds', emit_timeout '200 milliseconds'"))
    events = tmp_path / "events.jsonl"
    events.write_text("".join(event(n) for n in range(20)), encoding="utf-8")
    run = start("run", sql, "--source", f"events=file:{events}", "--data", tmp_path / "data",
                "--progress", "json", *settings(workers=2, epoch="100ms"), cwd=folder)
    time.sleep(PAUSE_S)
    idle = []
    for more in (range(20, 40), range(40, 60)):
        before = cpu_seconds(run.process.pid)
        time.sleep(PAUSE_S)
        idle.append(cpu_seconds(run.process.pid) - before)
        with open(events, "a", encoding="utf-8") as file:
            file.write("".join(event(n) for n in more))
        time.sleep(PAUSE_S)
    run.signal(signal.SIGTERM)
    run.wait(60)
    with_rows = [line for line in run.progress.lines if line["num_input_rows"] > 0]
    assert [line["input_rows_total"] for line in with_rows] == [20, 40, 60], run.err[-3000:]
    # A group that changed after a pause is shown with the epoch that changed it.
    assert [shown(line) > 0 for line in with_rows] == [True] * 3
    assert shown(with_rows[0]) < shown(with_rows[1]) < shown(with_rows[2])
    # The clock alone commits nothing: at most the windows that it closed once.
    assert len(run.progress.lines) - len(with_rows) <= 4, [line["epoch"] for line in run.progress.lines]
    assert max(idle) < 0.05 * PAUSE_S, f"CPU seconds in pauses of {PAUSE_S} s: {idle}"


def test_a_backlog_is_committed_when_it_is_worked_off(tmp_path):
    sql, folder = example("retail", tmp_path)
    events = tmp_path / "events.jsonl"
    events.write_text("".join(event(n) for n in range(500)), encoding="utf-8")
    run = start("run", sql, "--source", f"events=file:{events}", "--data", tmp_path / "data",
                "--progress", "json", *settings(workers=2, epoch="10m", epoch_first="10m"), cwd=folder)
    late = threading.Timer(60, run.process.kill)
    late.start()
    line = next((line for line in run.process.stderr if line.startswith("{")), None)
    late.cancel()
    # It is not behind any more: what comes now waits for its epoch's end, which is the stop.
    with open(events, "a", encoding="utf-8") as file:
        file.write("".join(event(n) for n in range(500, 520)))
    time.sleep(PAUSE_S)
    run.signal(signal.SIGTERM)
    run.wait(60)
    assert line is not None and json.loads(line)["input_rows_total"] == 500, (line, run.err[-3000:])
    assert [line["input_rows_total"] for line in run.progress.lines if line["num_input_rows"] > 0] == [520], run.err
