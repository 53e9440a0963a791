"""Kinds of workflow tasks, each try as the supervisor starts it: `millrace __task DIR`."""

import json
import pathlib
import subprocess

import pytest

from conftest import MILLRACE


class Project:
    def __init__(self, top):
        self.top = top
        self.number = 0
        (top / "data/in").mkdir(parents=True)
        (top / "data/in/a.csv").write_text("id,value\n1,2.5\n1,3.5\n2,10\n")

    def run(self, kind, body, **more):
        """Exit code, outputs by key, log, and the line that goes to the scheduler."""
        self.number += 1
        folder = self.top / "t" / str(self.number)
        folder.mkdir(parents=True)
        launch = {"kind": kind, "dag": "d", "run_id": "r", "task": "t", "map_index": -1,
                  "number": 1, "data_dir": "data", "words": ["task"], "masked": [], "body": body}
        (folder / "launch.json").write_text(json.dumps({**launch, **more}))
        done = subprocess.run([MILLRACE, "__task", folder], cwd=self.top, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        text = folder / "output"
        lines = text.read_text().splitlines() if text.exists() else []
        outputs = {key: json.loads(value) for key, value in (x.split("=", 1) for x in lines)}
        why = folder / "why"
        return done.returncode, outputs, done.stdout, why.read_text() if why.exists() else ""


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def test_sql_writes_a_file_whole_and_hands_on_its_rows(project):
    query = "SELECT id, count(*) AS n, avg(value) AS mean FROM read_csv('data/in/**') " \
            "WHERE id >= :least AND ':x' = ':x' GROUP BY id ORDER BY id -- :none"
    code, outputs, log, _ = project.run("sql", {
        "sql": query, "bind": {"least": 1}, "show": {"rows": 10, "total": True},
        "write_to": {"path": "data/out/m.parquet"}})
    assert code == 0, log
    rows = [{"id": 1, "n": 2, "mean": 3.0}, {"id": 2, "n": 1, "mean": 10.0}]
    assert outputs == {"row_count": 2, "rows": rows, "path": "data/out/m.parquet"}
    assert "total: 2 rows" in log
    assert [p.name for p in (project.top / "data/out").iterdir()] == ["m.parquet"]
    import duckdb
    path = project.top / "data/out/m.parquet"
    assert duckdb.sql(f"SELECT * FROM '{path}'").fetchall() == [(1, 2, 3.0), (2, 1, 10.0)]
    # Once more: the same file; a query that fails leaves it as it is.
    assert project.run("sql", {"sql": "SELECT 7 AS a", "write_to": {
        "path": "data/out/m.parquet"}})[0] == 0
    assert project.run("sql", {"sql": "SELECT error('no')", "write_to": {
        "path": "data/out/m.parquet"}})[0] == 1
    assert duckdb.sql(f"SELECT * FROM '{path}'").fetchall() == [(7,)]
    code, _, log, why = project.run("sql", {"sql": "SELECT 1", "write_to": {
        "path": "data/out/m.parquet", "mode": "fail"}})
    assert code == 1 and why == '"data/out/m.parquet" is there already'


def test_sql_quotes_what_is_bound(project):
    nasty = "it's; DROP --"
    code, outputs, log, _ = project.run("sql", {
        "sql": "SELECT :s AS s, :n AS n, :b AS b, :z AS z, 1::INTEGER AS i", "bind": {
            "s": nasty, "n": -2.5, "b": True, "z": None}})
    assert code == 0, log
    assert outputs["rows"] == [{"s": nasty, "n": -2.5, "b": True, "z": None, "i": 1}]
    code, _, _, why = project.run("sql", {"sql": "SELECT 1", "bind": {"unused": 1}})
    assert code == 97 and why == 'the query has no ":unused", which `bind` gives'


def test_sql_says_what_is_missing_and_is_skipped_if_so_told(project):
    missing = {"files": "skip", "columns": ["id", "nope"]}
    code, _, log, why = project.run("sql", {"sql": "FROM read_csv('data/none/**')",
                                            "if_missing": missing})
    assert code == 99 and why.startswith("No files found that match") and log.startswith("skipped")
    code, _, _, why = project.run("sql", {"sql": "SELECT nope FROM read_csv('data/in/**')",
                                          "if_missing": missing})
    assert code == 99 and 'column "nope" not found' in why
    code, _, log, _ = project.run("sql", {"sql": "FROM read_csv('data/none/**')"})
    assert code == 1 and log.startswith("error: ")
    code, _, _, _ = project.run("sql", {"sql": "SELECT other FROM read_csv('data/in/**')",
                                        "if_missing": missing})
    assert code in (1, 97)


def test_check_fails_or_warns_and_tells_of_all(project):
    code, outputs, log, _ = project.run("check", {"assert": ["0 > 0", "1 = 1", "NULL"],
                                                  "severity": "warn"})
    assert code == 0 and outputs == {"passed": False, "failed": ["0 > 0", "NULL"]}
    assert "warning: 2 of 3 assertions do not hold: 0 > 0" in log
    code, outputs, log, why = project.run("check", {"assert": "value > :least", "bind": {
        "least": 3}, "sql": "FROM read_csv('data/in/**')"})
    assert code == 1 and outputs["passed"] is False and "FAILED value > :least (1 rows)" in log
    assert why == "1 of 1 assertions does not hold: value > :least"
    assert project.run("check", {"assert": ["2 > 1"]})[1] == {"passed": True, "failed": []}


def test_a_wrong_key_is_told_and_no_try_helps(project):
    code, _, log, why = project.run("sql", {"sq": "SELECT 1"})
    assert code == 97 and "sq" in why and "Did you mean" in log


def test_a_launch_file_with_secrets_does_not_stay(project):
    assert project.run("sql", {"sql": "SELECT 1"}, masked=["hunter2"])[0] == 0
    assert not pathlib.Path(project.top / "t/1/launch.json").exists()
