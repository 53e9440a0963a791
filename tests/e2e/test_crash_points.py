"""The real process dies at every named point of commit and publish; after a restart every row counts once.

Three sinks of unlike trigger (Parquet, JSON lines, the token sink that stands for a system outside), the bad
and the late table. What an uninterrupted run of the same program wrote is what must be there.
"""

import collections
import json
import pathlib
import re
import shutil
import subprocess

import duckdb
import pytest

from conftest import MILLRACE, ROOT

PIPELINE = """
CREATE SERVER files FOREIGN DATA WRAPPER file;
CREATE SERVER lake FOREIGN DATA WRAPPER parquet;
CREATE SERVER lines FOREIGN DATA WRAPPER jsonl;
CREATE SERVER outside FOREIGN DATA WRAPPER test_token;
CREATE FOREIGN TABLE events (event_id text, amount double precision, country text,
  event_time timestamptz OPTIONS (watermark '30 seconds'))
  SERVER files OPTIONS (path 'events.jsonl', format 'json');
CREATE VIEW cleaned WITH (state_ttl = '1 hour') AS
  SELECT DISTINCT ON (event_id) event_id, coalesce(amount, 0.0) AS amount, upper(country) AS country, event_time
  FROM events;
CREATE VIEW sums AS
  SELECT window_start, country, count(*) AS n, max(event_id) AS last
  FROM hop(cleaned, event_time, interval '30 seconds', interval '1 minute')
  GROUP BY window_start, window_end, country;
CREATE FOREIGN TABLE a () SERVER lake OPTIONS (partition_by 'country', trigger '20 milliseconds');
CREATE FOREIGN TABLE b () SERVER lines OPTIONS (trigger '50 milliseconds');
CREATE FOREIGN TABLE c () SERVER outside OPTIONS (trigger '1 millisecond');
CREATE FOREIGN TABLE raw () SERVER lake OPTIONS (trigger '70 milliseconds');
INSERT INTO a SELECT * FROM sums;
INSERT INTO b SELECT * FROM sums;
INSERT INTO c SELECT * FROM sums;
INSERT INTO raw SELECT event_id, event_time FROM events;
"""
TABLES = ("a", "b", "c", "raw", "events_bad", "events_late")
SETTINGS = ["-c", "exec.workers=2", "-c", "exec.epoch_rows=400", "-c", "exec.chunk_bytes=8KiB",
            "-c", "exec.aside_trigger=30ms"]


def points():
    found = set()
    for path in pathlib.Path(ROOT, "src").rglob("*.c"):
        found.update(re.findall(r'mr_crash_point\("([a-z_.]+)"', path.read_text(encoding="utf-8")))
    assert len(found) >= 10
    # Those of other commands and of Kafka have tests of their own that die at them.
    others = ("fresh", "reset", "replay", "kafka", "compact", "transaction", "flow", "try",
              "swap", "container")
    return sorted(point for point in found if point.split(".")[0] not in others)


def run(folder, crash=None):
    command = [MILLRACE, "run", "p.sql", "--until", "end", *SETTINGS]
    env = {"PATH": "/usr/bin:/bin", **({"MILLRACE_CRASH": crash} if crash else {})}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)


def make(folder, events):
    folder.mkdir()
    (folder / "p.sql").write_text(PIPELINE)
    shutil.copy(events, folder / "events.jsonl")
    return folder


def rows_of(folder, table):
    place = folder / "data/lake" / table
    if table == "b":
        lines = [line for path in place.glob("*.jsonl") for line in path.read_text().splitlines()]
    elif table == "c":
        log = (place / "outside.log").read_text().splitlines()
        tokens = [line.split()[2] for line in log if line.startswith("#")]
        assert len(tokens) == len(set(tokens)), "a token is there twice"
        lines = [line for line in log if not line.startswith("#")]
    else:
        paths = [str(path) for path in place.rglob("*.parquet") if ".tmp" not in path.parts]
        if not paths:
            return collections.Counter()
        found = duckdb.sql(f"SELECT t::text FROM read_parquet({paths!r}, hive_partitioning = true) t")
        return collections.Counter(row for row, in found.fetchall())
    return collections.Counter(json.dumps(json.loads(line), sort_keys=True) for line in lines)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    folder = tmp_path_factory.mktemp("known")
    events = folder / "all.jsonl"
    subprocess.run([MILLRACE, "generate", "retail", "--count", "6000", "--seed", "9", "--event-rate", "20",
                    "--late", "0.01", "--bad", "0.01", "--to", str(events)], check=True, capture_output=True)
    whole = make(folder / "whole", events)
    result = run(whole)
    assert result.returncode == 0, result.stderr
    rows = {table: rows_of(whole, table) for table in TABLES}
    assert all(rows.values()), {table: len(found) for table, found in rows.items()}
    assert rows["a"].total() == rows["b"].total() == rows["c"].total()
    return events, rows


@pytest.mark.parametrize("point", points())
def test_every_row_counts_once(point, known, tmp_path):
    events, rows = known
    died = 0
    for turn in (1, 2, 5):
        folder = make(tmp_path / str(turn), events)
        first = run(folder, f"{point}:{turn}")
        assert first.returncode in (0, -9), first.stderr
        died += first.returncode == -9
        last = run(folder)
        assert last.returncode == 0, last.stderr
        for table in TABLES:
            assert rows_of(folder, table) == rows[table], (point, turn, table)
        left = [path for path in (folder / "data").rglob("*.part")]
        assert not left, left
    if point != "commit.cut":  # A log this short is never cut.
        assert died > 0, "nothing died here"


def test_the_second_death_is_as_good_as_the_first(known, tmp_path):
    """Recovery itself dies, at each of its points in turn."""
    events, rows = known
    folder = make(tmp_path / "p", events)
    deaths = 0
    for point in [p for p in points() if p != "commit.cut"] * 2:
        deaths += run(folder, f"{point}:1").returncode == -9
    assert run(folder).returncode == 0
    assert deaths >= 10
    for table in TABLES:
        assert rows_of(folder, table) == rows[table], table
