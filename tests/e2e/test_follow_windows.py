"""Windows that the clock closed, behind which others wait: what they hold outlives a restart."""

import json
import signal

from conftest import settings, start

PIPELINE = """
CREATE SERVER f FOREIGN DATA WRAPPER file;
CREATE SERVER o FOREIGN DATA WRAPPER jsonl;
CREATE FOREIGN TABLE events (k text, v int, t timestamptz OPTIONS (watermark '0 seconds',
  idle_timeout '100 milliseconds', emit_timeout '200 milliseconds'))
  SERVER f OPTIONS (path '{folder}/events.jsonl', format 'json');
CREATE VIEW seconds AS SELECT window_start AS second, sum(v) AS s
  FROM tumble(events, t, interval '1 second') GROUP BY window_start, window_end;
CREATE FOREIGN TABLE result () SERVER o;
INSERT INTO result SELECT window_start, sum(s) AS s, count(*) AS n
  FROM tumble(seconds, second, interval '1 hour') GROUP BY window_start, window_end;
"""


def add(path, *events):
    with open(path, "a", encoding="utf-8") as file:
        file.write("".join(f'{{"k": "a", "v": {v}, "t": "2026-01-01T{t}Z"}}\n' for v, t in events))


def test_what_waits_behind_a_closed_window(tmp_path):
    events = tmp_path / "events.jsonl"
    sql = tmp_path / "pipeline.sql"
    sql.write_text(PIPELINE.format(folder=tmp_path), encoding="utf-8")
    rows = []
    # Each second closes in a pause, by the clock; then a row is committed, and the run ends.
    for life, (first, closed, second) in enumerate([
            ((1, "00:00:01"), "00:00:02", (2, "00:10:00")), ((4, "00:20:00"), "00:20:01", (8, "00:30:00")),
            ((16, "00:40:00"), "00:40:01", (32, "02:00:00"))]):
        add(events, first)
        run = start("run", sql, "--data", tmp_path / "data", "--progress", "json",
                    *settings(workers=2, epoch="100ms"), cwd=tmp_path)
        run.reaches(lambda said: said.lines and said.last("event_time").get("watermark", "") > f"2026-01-01T{closed}",
                    "the clock to close its second")
        add(events, second)
        run.reaches(lambda said: said.last("input_rows_total") == 2 * life + 2, "the second row")
        run.signal(signal.SIGTERM)
        run.wait(60)
        assert run.progress.lines, f"life {life}: {run.err[-3000:]}"
    for file in sorted((tmp_path / "data").rglob("*.jsonl")):
        rows += [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [(row["s"], row["n"]) for row in rows] == [(1 + 2 + 4 + 8 + 16, 5)], rows
