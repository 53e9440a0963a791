"""The commands around a pipeline's life: check, diff, run of a changed query, stream, replay, test.

Every step that changes something is also killed at each of its points; what is there afterwards is the old or the new,
and the next call finishes what was begun.
"""

import collections
import json
import os
import re
import subprocess

import pytest

from conftest import EXAMPLES, MILLRACE

SERVERS = """
CREATE SERVER input FOREIGN DATA WRAPPER file;
CREATE SERVER lake FOREIGN DATA WRAPPER jsonl;
CREATE FOREIGN TABLE clicks (id text, user_id ${TYPE:-int}, amount double precision,
  at timestamptz OPTIONS (watermark '10 seconds')) SERVER input OPTIONS (path 'clicks.jsonl');
"""
TOTALS = """
CREATE FOREIGN TABLE totals () SERVER lake OPTIONS (trigger '${TRIGGER:-0}');
INSERT INTO totals SELECT window_start, sum(amount) AS total
  FROM tumble(clicks, at, interval '1 minute') WHERE amount > 0 GROUP BY window_start, window_end;
"""
RAW = """
CREATE FOREIGN TABLE raw () SERVER lake OPTIONS (trigger '${TRIGGER:-0}');
INSERT INTO raw SELECT id, amount FROM clicks;
"""
OTHER = """
CREATE FOREIGN TABLE visits (id text, n int) SERVER input OPTIONS (path 'visits.jsonl');
CREATE FOREIGN TABLE seen () SERVER lake;
INSERT INTO seen SELECT id, n FROM visits;
"""
COPY = """
CREATE FOREIGN TABLE copy () SERVER lake;
INSERT INTO copy SELECT id FROM clicks;
"""


def click(name, minute, amount, user=1):
    return json.dumps({"id": name, "user_id": user, "amount": amount, "at": f"2026-01-01T00:{minute:02d}:00Z"}) + "\n"


CLICKS = [click(f"c{i}", i, i + 0.5) for i in range(6)]


class Project:
    def __init__(self, folder, sql=SERVERS + TOTALS + RAW, clicks=CLICKS):
        self.folder = folder
        self.write(sql)
        (folder / "clicks.jsonl").write_text("".join(clicks))
        (folder / "visits.jsonl").write_text('{"id": "v1", "n": 1}\n{"id": "v2", "n": 2}\n')

    def write(self, sql):
        (self.folder / "p.sql").write_text(sql)

    def add_clicks(self, *clicks):
        with open(self.folder / "clicks.jsonl", "a", encoding="utf-8") as out:
            out.write("".join(clicks))

    def __call__(self, *args, crash=None, code=0, **env):
        own = {"PATH": "/usr/bin:/bin", **env, **({"MILLRACE_CRASH": crash} if crash else {})}
        done = subprocess.run([MILLRACE, *map(str, args)], cwd=self.folder, env=own, capture_output=True, text=True,
                              timeout=120, check=False)
        assert done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def run(self, *more, until="available-now", **how):
        return self("run", "p.sql", "--until", until, "-c", "exec.aside_format=jsonl", *more, **how)

    def rows(self, table):
        place = self.folder / "data/lake" / table
        lines = [line for path in place.glob("*.jsonl") for line in path.read_text().splitlines()]
        return collections.Counter(lines)

    def values(self, table, *names):
        return sorted(tuple(json.loads(line)[n] for n in names) for line in self.rows(table).elements())

    def show(self):
        return json.loads(self("stream", "show", "p.sql", "--json").stdout)


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


IDS = [(f"c{i}",) for i in range(6)]


# ---- diff, and the run of a changed query --------------------------------------------------------------------


def items(project):
    found = json.loads(project("diff", "p.sql", "--json").stdout)
    return found, {(item["what"], item["name"]): item for item in found["items"]}


def test_diff_without_a_state(project):
    assert "has no state yet" in project("diff", "p.sql").stdout
    assert json.loads(project("diff", "p.sql", "--json").stdout)["state"] is False


def test_diff_of_the_same_query_keeps_all(project):
    project.run()
    project.write(SERVERS + RAW + TOTALS)  # The order of statements is nobody's business.
    found, by_name = items(project)
    assert not found["changed"] and found["runs"]
    assert {item["change"] for item in found["items"]} == {"KEEP"}
    size = (project.folder / "clicks.jsonl").stat().st_size
    assert by_name["source", "clicks"]["positions"] == {"clicks.jsonl": size}


@pytest.mark.parametrize("old, new, reason", [
    ("amount > 0", "amount > 1", "WHERE"),
    ("interval '1 minute'", "interval '2 minutes'", "GROUP BY or its window"),
    ("sum(amount)", "max(amount)", "GROUP BY"),
    ("AS total", "AS sum_of_all", "SELECT list"),
])
def test_a_changed_query_is_refused_with_the_reason(project, old, new, reason):
    project.run()
    before = project.rows("totals")
    project.write((SERVERS + TOTALS + RAW).replace(old, new))
    found, by_name = items(project)
    assert found["changed"] and not found["runs"]
    totals = by_name["table", "totals"]
    assert totals["change"] == "REBUILD" and reason in totals["reason"], totals
    assert totals["was"] and totals["now"]
    assert by_name["table", "raw"]["change"] == "KEEP"
    refused = project.run(code=1)
    assert 'table "totals" is written by another query now' in refused.stderr
    assert "stream reset p.sql --table totals" in refused.stderr and "REBUILD" in refused.stderr
    assert project.rows("totals") == before
    project.write(SERVERS + TOTALS + RAW)  # Nothing happened: the former query goes on.
    project.add_clicks(click("c6", 6, 6.5))
    project.run(until="end")
    assert project.values("raw", "id") == IDS + [("c6",)]
    assert [total for _, total in project.values("totals", "window_start", "total")] == [i + 0.5 for i in range(7)]


def test_digits_of_a_numeric_are_part_of_the_output(project):
    sql = SERVERS + TOTALS + RAW.replace("amount FROM", "amount::numeric(9,2) AS amount FROM")
    project.write(sql)
    project.run()
    project.write(sql.replace("numeric(9,2)", "numeric(9,3)"))
    _, by_name = items(project)
    raw = by_name["table", "raw"]
    assert "output append: id text, amount numeric(9,2)" in json.dumps(raw["was"]), raw
    assert "output append: id text, amount numeric(9,3)" in json.dumps(raw["now"]), raw


def test_a_table_over_a_new_source_starts_while_the_others_go_on(project):
    project.run("-c", "exec.aside_trigger=1h")
    project.write(SERVERS + OTHER + TOTALS + RAW)
    found, by_name = items(project)
    assert found["changed"] and found["runs"]
    assert by_name["source", "visits"]["change"] == by_name["table", "seen"]["change"] == "NEW"
    project.add_clicks(click("c6", 6, 6.5))
    project.run(until="end")
    assert project.values("seen", "id") == [("v1",), ("v2",)]
    assert project.values("raw", "id") == IDS + [("c6",)]
    assert [total for _, total in project.values("totals", "window_start", "total")] == [i + 0.5 for i in range(7)]


def test_a_changed_state_survives_further_changes(project):
    """Away and back: what was left behind does not come back with the former query."""
    project.run()
    project.write(SERVERS + RAW)
    project.run()
    project.add_clicks(click("c5b", 5, 100))
    project.run()
    project.write(SERVERS + TOTALS + RAW)
    assert 'table "totals" is new' in project.run(code=1).stderr
    project("stream", "reset", "p.sql", "--table", "totals", "--yes")
    project.run(until="end")
    totals = project.values("totals", "window_start", "total")
    # Minute 5 was open with 5.5 in it when the table went; 100 was read while nobody counted.
    assert [total for start, total in totals if "00:05" in start] == []


def test_a_new_table_over_a_source_that_was_read(project):
    project.run()
    project.write(SERVERS + TOTALS + RAW + COPY)
    refused = project.run(code=1)
    assert 'table "copy" is new, and its source has been read already' in refused.stderr
    said = project("stream", "reset", "p.sql", "--table", "copy", code=2)
    assert "Nothing was done" in said.stderr
    project.run(code=1)
    project("stream", "reset", "p.sql", "--table", "copy", "--yes")
    project.add_clicks(click("c6", 6, 6.5))
    project.run(until="end")
    assert project.values("copy", "id") == [("c6",)]
    assert project.values("raw", "id") == IDS + [("c6",)]


def test_rows_that_wait_are_not_lost_in_silence(project):
    """A run that was stopped leaves rows waiting for the trigger; their query then changes or goes."""
    project.add_clicks('{"id": "bad", "user_id": "x"}\n')
    hour = ("--set", "TRIGGER=1 hour")
    project.run("-c", "exec.aside_trigger=1h", *hour, "-c", "exec.stop_after_epochs=2", "-c", "exec.epoch_rows=3",
                "-c", "exec.chunk_bytes=100", "-c", "exec.workers=1")
    waiting = {table["table"]: table["waiting_rows"] for table in project.show()["tables"]}
    written = project.rows("raw").total()
    assert waiting["raw"] > 0 and waiting["raw"] + written >= 3
    project.write(SERVERS + TOTALS + RAW.replace("id, amount", "id"))
    refused = project.run(*hour, code=1)
    assert "another query" in refused.stderr and "damaged" not in refused.stderr
    project.write(SERVERS + TOTALS)
    refused = project.run(*hour, code=1)
    assert "committed rows still wait for it" in refused.stderr and "--accept-loss" in refused.stderr
    project.run("--accept-loss", until="end")
    assert project.rows("raw").total() == written
    assert project.rows("clicks_bad").total() == 1
    assert [total for _, total in project.values("totals", "window_start", "total")] == [i + 0.5 for i in range(6)]


# ---- --fresh and reset ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", ["fresh.renamed", "fresh.erased"])
@pytest.mark.parametrize("then", [(), ("--fresh",)])
def test_fresh_leaves_the_old_or_the_new(project, point, then):
    project.run(until="end")
    project.run("--fresh", until="end", crash=point, code=-9)
    project.run(*then, until="end")
    assert project.values("raw", "id") == IDS
    assert project.rows("totals").total() == 6
    assert sorted(os.listdir(project.folder / "data/state")) == ["p", "p.lock"]


def test_fresh_removes_what_a_former_query_wrote(project):
    project.run(until="end")
    project.write(SERVERS + TOTALS)
    project.run("--fresh", until="end")
    assert not project.rows("raw") and project.rows("totals").total() == 6


@pytest.mark.parametrize("point", [None, "reset.marked", "commit.synced", "reset.committed", "reset.erased"])
def test_reset_to_the_beginning_makes_all_rows_once_more(project, point):
    project.run(until="end")
    project.write((SERVERS + TOTALS + RAW).replace("sum(amount)", "max(amount)"))
    reset = ("stream", "reset", "p.sql", "--to", "earliest", "--yes")
    if point is not None:
        project(*reset, crash=point, code=-9)
    project(*reset)
    project.run(until="end")
    assert project.values("raw", "id") == IDS
    assert [total for _, total in project.values("totals", "window_start", "total")] == [i + 0.5 for i in range(6)]
    assert not (project.folder / "data/state/p/reset").exists()


def test_a_reset_that_was_not_committed_did_not_happen(project):
    project.run(until="end")
    project("stream", "reset", "p.sql", "--to", "earliest", "--yes", crash="reset.marked", code=-9)
    project.run(until="end")
    assert project.values("raw", "id") == IDS
    assert not (project.folder / "data/state/p/reset").exists()


def test_reset_says_what_it_cannot_do(project):
    assert "has no state" in project("stream", "reset", "p.sql", "--yes", code=1).stderr
    project.run()
    shared = project("stream", "reset", "p.sql", "--table", "totals", "--to", "earliest", "--yes", code=2)
    assert 'source "clicks" cannot go back alone: table "raw" reads it too' in shared.stderr
    unknown = project("stream", "reset", "p.sql", "--table", "total", "--yes", code=2)
    assert 'Did you mean "totals"?' in unknown.stderr
    latest = project("stream", "reset", "p.sql", "--to", "latest", "--yes", code=2)
    assert "starts at its beginning only" in latest.stderr


def test_stream_shows_positions_and_state(project):
    project.run()
    shown = project.show()
    assert shown["input_rows"] == 6 and shown["state_rows"] == 2 and shown["watermark"] == "2026-01-01T00:04:50Z"
    assert shown["published_epoch"] == shown["epoch"]
    assert [table["pending_publications"] for table in shown["tables"]] == [0] * 4
    listed = [json.loads(line) for line in project("stream", "list", "--json").stdout.splitlines()]
    assert [(one["pipeline"], one["epoch"]) for one in listed] == [("p", shown["epoch"])]
    assert "watermark 2026-01-01T00:04:50Z" in project("stream", "show", "p").stdout
    assert "has no state" in project("stream", "show", "q", code=1).stderr


# ---- where -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["deep/er", "sql"])
def test_every_command_finds_the_data_of_its_project(tmp_path, place):
    """From a folder below the project, and by --data from there: the same rule for all."""
    (tmp_path / "sql").mkdir()
    project = Project(tmp_path)
    (tmp_path / "p.sql").rename(tmp_path / "sql" / "p.sql")
    (tmp_path / "millrace.yaml").write_text("broker:\n  listen: 127.0.0.1:0\n")
    project("run", "sql/p.sql", "--until", "end")
    below = tmp_path / place
    below.mkdir(parents=True, exist_ok=True)
    other = tmp_path / "other"
    other.mkdir()

    def call(*words, code=0, **env):
        done = subprocess.run([MILLRACE, *words], cwd=below, env={"PATH": "/usr/bin:/bin", **env}, capture_output=True,
                              text=True, timeout=60, check=False)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    mine = {"words": (), "env": {}}
    elsewhere = [{"words": ("--data", os.path.relpath(other, below)), "env": {}},
                 {"words": (), "env": {"MILLRACE_DATA": os.path.relpath(other, below)}}]

    def ask(*words, how=None, code=0):
        return call(*words, *(how or mine)["words"], code=code, **(how or mine)["env"])

    assert "p  " in ask("stream", "list") and "epoch" in ask("stream", "show", "p")
    assert "6" in ask("sql", "SELECT count(*) AS n FROM raw")
    assert "0 rows" in ask("replay", "clicks_bad", "--dry-run")
    assert f"{tmp_path}/data: a durable" in ask("doctor")
    for how in elsewhere:
        assert ask("stream", "list", how=how) == "" and "no state" in ask("stream", "show", "p", how=how, code=1)
        assert "raw" in ask("sql", "SELECT count(*) AS n FROM raw", how=how, code=1)
        assert "/other: a durable" in ask("doctor", how=how)
    for how, data in [(mine, tmp_path / "data"), *((how, other) for how in elsewhere)]:
        with subprocess.Popen([MILLRACE, "broker", *how["words"]], cwd=below, stdout=subprocess.PIPE, text=True,
                              env={"PATH": "/usr/bin:/bin", **how["env"]}) as broker:
            try:
                assert broker.stdout.readline() == (data / "broker" / "address").read_text()
                ask("topic", "create", "orders", "--if-not-exists", how=how)
                assert "orders" in ask("topic", "list", how=how)
            finally:
                broker.terminate()
        assert broker.returncode == 0
    assert not (below / "data").exists()


def test_the_doctor_leaves_nothing_behind(tmp_path):
    done = subprocess.run([MILLRACE, "doctor"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert "ok   data folder            data: a durable write" in done.stdout and list(tmp_path.iterdir()) == []


# ---- replay --------------------------------------------------------------------------------------------------

POINTS = ["replay.decided", "commit.synced:1", "commit.synced:2", "publish.before", "sink.renamed", "replay.ran"]


@pytest.mark.parametrize("point", [None, *POINTS])
def test_bad_rows_are_replayed_once(tmp_path, point):
    bad = [click("b1", 1, 1, user="x"), click("b2", 2, 2, user="y")]
    project = Project(tmp_path, SERVERS.replace("SERVER input", "SERVER input") +
                      RAW.replace("id, amount", "id, user_id::text AS user_id"), [*CLICKS, *bad])
    project.run(until="end")
    assert project.values("clicks_bad", "offset")
    replay = ("replay", "clicks_bad", "-c", "exec.aside_format=jsonl")
    # Still bad: listed again, and not lost.
    assert "2 rows replayed" in project(*replay).stdout
    assert project.rows("raw").total() == 6 and project.rows("clicks_bad").total() == 4
    fixed = (*replay, "--set", "TYPE=text")
    if point is not None:
        project(*fixed, crash=point, code=-9)
    project(*fixed)
    last = project(*fixed).stdout
    assert "0 rows replayed" in last and "4 rows were replayed before" in last, last
    assert project.values("raw", "id", "user_id") == sorted([("b1", "x"), ("b2", "y"), *((f"c{i}", "1") for i in range(6))])
    project.run(until="end")  # The pipeline itself is where it was.
    assert project.rows("raw").total() == 8
    project.run("--fresh", until="end")
    assert project.values("raw", "id") == IDS


@pytest.mark.parametrize("point", [None, *POINTS])
def test_late_rows_are_replayed_once_as_rows_of_their_own(tmp_path, point):
    project = Project(tmp_path)
    project.add_clicks(click("late1", 0, 100), click("late2", 0, 7), click("late3", 1, 20))
    project.run(until="end")
    before = project.values("totals", "window_start", "total")
    refused = project("replay", "clicks_late", code=1)
    assert "would pass GROUP BY" in refused.stderr and "--as-new-rows" in refused.stderr
    replay = ("replay", "clicks_late", "--as-new-rows", "-c", "exec.aside_format=jsonl")
    assert "3 rows would be replayed" in project(*replay, "--dry-run").stdout
    some = (*replay, "--where", "amount > 10")
    if point is not None:
        project(*some, crash=point, code=-9)
    project(*some)
    assert project.values("totals", "window_start", "total") == sorted(
        before + [("2026-01-01T00:00:00Z", 100.0), ("2026-01-01T00:01:00Z", 20.0)])
    assert "1 rows replayed" in project(*replay).stdout
    assert "0 rows replayed" in project(*replay).stdout
    assert project.values("totals", "window_start", "total") == sorted(
        before + [("2026-01-01T00:00:00Z", 100.0), ("2026-01-01T00:00:00Z", 7.0), ("2026-01-01T00:01:00Z", 20.0)])
    assert project.rows("raw").total() == 9  # They were not late for it, and are not there twice.


def test_rows_that_count_in_some_windows_are_left_out(tmp_path):
    project = Project(tmp_path, SERVERS + TOTALS.replace("tumble(clicks, at, interval '1 minute')",
                                                         "hop(clicks, at, interval '1 minute', interval '3 minutes')"))
    project.add_clicks(click("partly", 3, 1000), click("wholly", 0, 100))
    project.run(until="end")
    said = project("replay", "clicks_late", "--as-new-rows", "-c", "exec.aside_format=jsonl").stdout
    assert "1 rows replayed" in said and "1 rows left out: they count in some of their windows" in said
    totals = [total for _, total in project.values("totals", "window_start", "total")]
    assert totals.count(100.0) == 3 and 1000.0 not in totals
    assert totals.count(1010.5) == totals.count(1013.5) == 1  # Those that it was on time for have it.


def test_replay_of_what_is_not_there(project):
    project.run()
    assert 'Did you mean "clicks_late"?' in project("replay", "clicks_lat", code=2).stderr
    assert "has no side table" in project("replay", "raw", code=1).stderr
    assert "not found" in project("replay", "clicks_late", "--where", "nix > 1", code=1).stderr


# ---- test ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", ["retail", "sensors"])
def test_tests_of_the_examples_pass(example, tmp_path):
    done = subprocess.run([MILLRACE, "test", "--json"], cwd=os.path.join(EXAMPLES, example), capture_output=True,
                          text=True, timeout=120, check=False, env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)})
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and runs and all(run["passed"] for run in runs), done.stdout + done.stderr
    assert all(run["lives"] > 3 for run in runs if run["run"] == "killed")
    assert not os.listdir(tmp_path)


CASE = """\
# A comment.
pipeline p.sql
clock 2026-01-01T00:00:00Z

source clicks
%s----

expect totals
----

output raw
{"id": "c1", "amount": 1.5000000000000002}
{"id": "c0", "amount": 0.5}
{"id": "c2", "amount": 2.5}
----
"""


def test_a_test_file_passes_fails_and_is_rewritten(project):
    tests = project.folder / "tests"
    tests.mkdir()
    case = tests / "raw.test"
    case.write_text(CASE % "".join(CLICKS[:3]))
    failed = project("test", code=1, TMPDIR=str(tests))
    assert "FAIL  tests/raw.test (plain)" in failed.stdout and "table totals (expect)" in failed.stdout
    assert '  + {"window_start":"2026-01-01T00:00:00Z","total":0.5}' in failed.stdout
    assert "0 passed, 1 failed" in failed.stdout
    project("test", "--update")
    text = case.read_text()
    assert '{"window_start":"2026-01-01T00:00:00Z","total":0.5}\n----' in text and text.startswith("# A comment.")
    passed = project("test", "tests/raw.test")
    assert "ok    tests/raw.test (plain, 2 lives)" in passed.stdout and "1 passed, 0 failed" in passed.stdout
    case.write_text(text.replace('"amount":0.5', '"amount":0.5000001'))
    failed = project("test", code=1)
    assert '  - {"id":"c0","amount":0.5000001}' in failed.stdout and '  + {"id":"c0","amount":0.5}' in failed.stdout
    assert not (project.folder / "data").exists()


@pytest.mark.parametrize("text, message", [
    ("pipeline p.sql\noutput raw\n", "block without its end"),
    ("pipelin p.sql\n", "not a word of a test file"),
    ("output raw\n----\n", "names no pipeline"),
    ("pipeline nix.sql\noutput raw\n----\n", "nix.sql"),
    ("pipeline p.sql\noutput rw\n----\n", 'the pipeline writes no table "rw"'),
    ("pipeline p.sql\nclock noon\n", "clock wants a time"),
])
def test_a_wrong_test_file_is_told(project, text, message):
    (project.folder / "tests").mkdir()
    (project.folder / "tests/x.test").write_text(text)
    done = project("test", code=1)
    assert message in done.stdout + done.stderr


def test_no_tests(project):
    (project.folder / "tests").mkdir()
    assert "has no tests" in project("test", code=1).stderr


# ---- check ---------------------------------------------------------------------------------------------------

NASTY = """\
CREATE SERVER a FOREIGN DATA WRAPPER fil;
SELCT 1;
CREATE SERVER input FOREIGN DATA WRAPPER file;
CREATE SERVER lake FOREIGN DATA WRAPPER parquet;
CREATE FOREIGN TABLE clicks (id txt, user_id innt OPTIONS (bad '1', worse '2'), at timestamptz OPTIONS (idle_timeout 'x'))
  SERVER input OPTIONS (path 'x');
CREATE FOREIGN TABLE fine (id text, amount double precision, at timestamptz OPTIONS (watermark '1 second'))
  SERVER input OPTIONS (path 'x');
CREATE FOREIGN TABLE t () SERVER lake OPTIONS (trigger 'x', mode 'y', zzz '1', yyy '2');
INSERT INTO t SELECT nix, uper(id), amount + id FROM fine WHERE foo > 1 AND nofn(id);
INSERT INTO nowhere SELECT id FROM fine;
INSERT INTO t SELECT window_start, count(*) FROM tumble(fine, at, interval '1 minute')
  GROUP BY window_start, contry, segmnt;
"""
ERRORS = ['wrapper "fil"', '"SELCT"', 'type "txt"', 'type "innt"', 'value "x" for option "idle_timeout"',
          'value "x" for option "trigger"', 'value "y" for option "mode"', 'option "zzz"', 'option "yyy"',
          'column "nix"', 'function "uper"', "no operator +", 'column "foo"', 'function "nofn"', 'table "nowhere"',
          'column "contry"', 'column "segmnt"']


def test_check_tells_every_error_of_every_file(project):
    (project.folder / "nasty.sql").write_text(NASTY)
    done = project("check", "nasty.sql", "p.sql", "none.sql", code=2)
    for error in ERRORS:
        assert error in done.stderr, f"{error} is missing:\n{done.stderr}"
    assert "p.sql: fine, 1 sources, 2 queries" in done.stdout and "none.sql" in done.stderr
    assert "in 2 of 3 files" in done.stderr
    first, second = [json.loads(line) for line in project("check", "--json", "nasty.sql", "p.sql", code=2).stdout.splitlines()]
    assert not first["fine"] and len(first["errors"]) >= len(ERRORS)
    places = [(error["line"], error["column"]) for error in first["errors"]]
    assert places == sorted(places), "they read like the file"
    assert second == {"file": "p.sql", "fine": True, "sources": 1, "queries": 2, "errors": []}


def test_check_reads_specs_of_generate(project):
    (project.folder / "good.yaml").write_text("count: 10\ncolumns:\n  - {name: id, type: integer}\n")
    (project.folder / "bad.yaml").write_text("count: 10\ncolumns:\n  - {name: id, type: nix}\n")
    done = project("check", "good.yaml", "bad.yaml", "p.sql", code=2)
    assert "good.yaml: fine, a spec of events to generate" in done.stdout and "p.sql: fine" in done.stdout
    assert "nix" in done.stderr and "bad.yaml:3:" in done.stderr and "1 error in 1 of 3 files" in done.stderr, done.stderr
    good, bad = [json.loads(line) for line in project("check", "--json", "good.yaml", "bad.yaml", code=2).stdout.splitlines()]
    assert good == {"file": "good.yaml", "fine": True, "errors": []}
    assert not bad["fine"] and bad["errors"][0]["line"] == 3


# ---- words ---------------------------------------------------------------------------------------------------


def test_help_is_where_it_is_looked_for(project):
    every = project().stdout
    assert every == project("help").stdout == project("--help").stdout == project("-h").stdout
    assert project("up", "-h").stdout == project("up", "--help").stdout == project("help", "up").stdout
    assert project("version").stdout == project("--version").stdout
    for name in re.findall(r"^  millrace (\w+)", every, re.M):
        assert project("help", name).stdout.startswith(f"millrace {name} ")
    assert 'Did you mean "topic"?' in project("help", "topc", code=2).stderr


@pytest.mark.parametrize("words, says", [
    (["topc"], 'Did you mean "topic"?'),
    (["topic", "lsit"], 'Did you mean "list"?'),
    (["stream", "paus", "p"], 'Did you mean "pause"?'),
    (["dag", "triger", "d"], 'Did you mean "trigger"?'),
    (["runs", "shw", "d"], 'Did you mean "show"?'),
    (["pool", "lits"], 'Did you mean "list"?'),
    (["topic", "list", "--jsn"], 'Did you mean "--json"?'),
    (["topic", "create"], '"millrace topic create" takes other arguments'),
    (["runs", "show"], '"millrace runs show" takes other arguments'),
    (["stream", "pause"], '"millrace stream pause" takes other arguments'),
])
def test_a_wrong_word_is_told_with_the_right_one(project, words, says):
    assert says in project(*words, code=2).stderr


def test_a_pipeline_called_by_its_name_is_told_its_file(project):
    (project.folder / "millrace.yaml").touch()
    (project.folder / "sql").mkdir()
    (project.folder / "p.sql").rename(project.folder / "sql" / "p.sql")
    for command in ("run", "explain", "diff"):
        assert 'Did you mean "sql/p.sql"?' in project(command, "p", code=1).stderr


def test_a_table_that_is_not_there_is_not_likened_to_one_of_duckdb(project):
    said = project("sql", "SELECT * FROM growin", code=1).stderr
    assert "growin does not exist" in said and "SHOW TABLES" in said and "pg_" not in said


def test_a_task_that_is_not_there_is_no_success(project):
    (project.folder / "dags").mkdir()
    (project.folder / "dags" / "d.yaml").write_text("id: d\ntasks:\n  - {id: count, type: noop}\n")
    for dag in ("d", "dags/d.yaml"):
        said = project("task", "test", dag, "cuont", code=2).stderr
        assert 'DAG "d" has no task "cuont"' in said and 'Did you mean "count"?' in said
        assert "count: success" in project("task", "test", dag, "count").stdout


def test_logs_are_followed_that_begin_later(project):
    with subprocess.Popen([MILLRACE, "logs", "-f"], cwd=project.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, env={"PATH": "/usr/bin:/bin"}) as following:
        try:
            assert "no log in data/logs yet" in following.stderr.readline()
            (project.folder / "data" / "logs").mkdir(parents=True)
            (project.folder / "data" / "logs" / "p.log").write_text("hello\n")
            assert following.stdout.readline() == "hello\n"
        finally:
            following.terminate()


# ---- time ----------------------------------------------------------------------------------------------------


def test_no_command_works_long(project):
    """What a command without DuckDB takes of the processor, against one with it: machines are of any speed."""
    (project.folder / "millrace.yaml").write_text("broker:\n  listen: 127.0.0.1:0\n")
    project("up", "--detach")
    try:
        project("topic", "create", "orders")

        def took_ms(*words):
            took = []
            for _ in range(5):
                ran = subprocess.Popen([MILLRACE, *words], cwd=project.folder, env={"PATH": "/usr/bin:/bin"},
                                       stdout=subprocess.DEVNULL)
                _, status, usage = os.wait4(ran.pid, 0)
                ran.returncode = os.waitstatus_to_exitcode(status)
                assert ran.returncode == 0, words
                took.append((usage.ru_utime + usage.ru_stime) * 1000)
            return min(took)

        most = took_ms("sql", "SELECT 1") / 2
        for words in (["--version"], ["status"], ["topic", "list"], ["topic", "describe", "orders"], ["group", "list"],
                      ["produce", "orders", "clicks.jsonl"], ["consume", "orders"], ["stream", "list"]):
            assert took_ms(*words) < most, words
    finally:
        project("down")
