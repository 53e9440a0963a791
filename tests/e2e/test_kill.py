"""kill -9 at random moments while rows keep coming: every row counts once, in all outputs."""

import datetime
import json
import random
import time

import oracle
import retail_data
from conftest import (SIGKILL, Progress, check_retail, example, kafka_env, micros_of, millrace, same_rows, settings,
                      size, start)

KILLS = size(8, 50)
RATE = 500  # Rows a second, until all kills are done.
ROWS = size(60_000, 250_000)

# A short trigger, so that commits, publications and rows still waiting all meet the kills; and two sinks of
# other kinds and triggers beside it: JSON lines each epoch, and the one that stands for a system outside.
SQL_CHANGES = (
    ("mode 'append', trigger '${TRIGGER:-30 seconds}'", "mode 'append', trigger '700 milliseconds'"),
    ("INSERT INTO segment_metrics SELECT * FROM windowed;",
     "INSERT INTO segment_metrics SELECT * FROM windowed;\n"
     "CREATE SERVER lines FOREIGN DATA WRAPPER jsonl OPTIONS (path '${LINES}');\n"
     "CREATE FOREIGN TABLE metrics_lines () SERVER lines OPTIONS (path 'metrics', mode 'append');\n"
     "INSERT INTO metrics_lines SELECT window_end, country, segment, unique_events FROM windowed;\n"
     "CREATE SERVER outside FOREIGN DATA WRAPPER test_token OPTIONS (path '${OUTSIDE}');\n"
     "CREATE FOREIGN TABLE metrics_outside () SERVER outside OPTIONS (path 'metrics', mode 'append', trigger '1 second');\n"
     "INSERT INTO metrics_outside SELECT window_end, country, segment, unique_events FROM windowed;"))


def same_groups(what, expected, rows):
    same_rows(what, [(r[1], r[3], r[4]) for r in expected],
              [(micros_of(r["window_end"]), r["country"], r.get("segment")) for r in rows])


def check_lines(folder, expected):
    same_groups("jsonl", expected, [
        json.loads(line) for path in sorted((folder / "metrics").rglob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()])


def check_outside(folder, expected):
    """The file of frames `#<bytes> <crc> <token>` that stands for a system outside: each token came once."""
    data, rows, tokens = (folder / "metrics" / "outside.log").read_bytes(), [], []
    while data:
        header, data = data.split(b"\n", 1)
        size_text, _crc, token = header.removeprefix(b"#").split(b" ", 2)
        lines, data = data[:int(size_text)], data[int(size_text):]
        assert len(lines) == int(size_text), "a torn frame was left"
        tokens.append(token)
        rows += [json.loads(line) for line in lines.splitlines()]
    assert len(tokens) == len(set(tokens)) >= 3, tokens
    same_groups("token sink", expected, rows)


def run_with_kills(args, dice, going, **where):
    """Starts and kills until going() is false or KILLS are done; ret: what each life said, newest last."""
    lives = []
    while len(lives) < KILLS and going():
        life = start(*args, **where)
        if len(lives) % 2 == 1:  # Every second one has committed something, however slow the machine is.
            life.reaches(lambda said: said.lines, "its first commit")
        time.sleep(dice.uniform(0.05, 2.5) / (1 + len(lives) % 2))
        life.signal(SIGKILL)
        life.wait(60)
        assert life.code == -SIGKILL, f"it ended by itself: {life.err[-2000:]}"
        lives.append(life)
    return lives


def account(lives):
    """Epochs whose commit was reported, and how many lives took up the work of a killed one."""
    lines = [line for life in lives for line in Progress(life.err).lines]
    return [line["epoch"] for line in lines if "epoch" in line], sum(bool(line.get("recovered")) for line in lines)


def test_kafka(kafka, topic, tmp_path):
    known = retail_data.generate(ROWS, 3, seed=41, future=True, skew_us=120_000_000)
    known.in_kafka = True
    expected = oracle.retail_expected(known.of(retail_data.GOOD))
    sql, project = example("retail", tmp_path, *SQL_CHANGES)
    data = tmp_path / "data"
    env = {**kafka_env(kafka, topic), "LINES": str(tmp_path / "lines"), "OUTSIDE": str(tmp_path / "outside")}
    args = ["run", sql, "--data", data, "--progress", "json", *settings(workers=2, epoch='100ms')]
    producer = kafka.produce_in_background(topic, known.lines, RATE)
    lives = run_with_kills(args, random.Random(41), producer.is_alive, cwd=project, env=env)
    producer.hurry.set()
    producer.join()
    assert not producer.failed, producer.failed
    lives.append(millrace(*args, "--until", "end", cwd=project, env=env))
    epochs, replays = account(lives)
    print(f"{len(lives) - 1} kills, {len(set(epochs))} epochs seen committed, {replays} lives took up work")
    assert len(lives) - 1 == KILLS
    assert len(set(epochs)) >= 10 and replays >= 3
    assert len(epochs) == len(set(epochs)), "an epoch was committed twice"
    check_retail(data, known, expected)
    check_lines(tmp_path / "lines", expected)
    check_outside(tmp_path / "outside", expected)


def test_file(tmp_path):
    """The same over a file, slowed down so that kills fall between its commits."""
    known = retail_data.generate(ROWS // 2, 1, seed=42)
    path, = known.write(tmp_path / "in")
    expected = oracle.retail_expected(known.of(retail_data.GOOD))
    rate = ROWS // 2 // (3 * KILLS)  # Rows a second: the input outlasts the kills.
    sql, project = example("retail", tmp_path, *SQL_CHANGES, (
        "format 'json',", f"format 'json', max_rate_per_partition '{rate}',"))
    data = tmp_path / "data"
    env = {"LINES": str(tmp_path / "lines"), "OUTSIDE": str(tmp_path / "outside")}
    args = ["run", sql, "--until", "end", "--data", data, "--source", f"events=file:{path}", "--progress", "json",
            *settings(workers=2, epoch='100ms')]
    lives = run_with_kills(args, random.Random(42), lambda: True, cwd=project, env=env)
    lives.append(millrace(*args, timeout=900, cwd=project, env=env))
    epochs, replays = account(lives)
    print(f"{len(lives) - 1} kills, {len(set(epochs))} epochs seen committed, {replays} lives took up work")
    assert len(set(epochs)) >= 10 and replays >= 3
    assert len(epochs) == len(set(epochs)), "an epoch was committed twice"
    check_retail(data, known, expected)
    check_lines(tmp_path / "lines", expected)
    check_outside(tmp_path / "outside", expected)
