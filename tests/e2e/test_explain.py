"""EXPLAIN: what it says of the examples, against golden files; and that --analyze counts right and leaves no trace.

    UPDATE=1 ... -m pytest tests/e2e/test_explain.py     rewrites tests/e2e/golden_explain
"""

import json
import os

import pytest

import oracle
from conftest import EXAMPLES, lake, millrace, start

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden_explain")
UPDATE = os.environ.get("UPDATE") == "1"
ROWS = 20000


def sql_of(name):
    return os.path.join(EXAMPLES, name, "sql", f"{name}.sql")


@pytest.mark.parametrize("name", ["retail", "sensors"])
def test_plan_of_an_example_is_explained(name):
    run = millrace("explain", sql_of(name), "-c", "exec.workers=2", "--set", "RUN_ID=1")
    golden = os.path.join(GOLDEN, f"{name}.txt")
    if UPDATE:
        with open(golden, "w", encoding="utf-8") as out:
            out.write(run.out)
    with open(golden, encoding="utf-8") as want:
        assert run.out == want.read(), "UPDATE=1 rewrites it"


@pytest.mark.parametrize("name", ["retail", "sensors"])
def test_json_says_the_same_as_text(name):
    text = millrace("explain", sql_of(name), "--set", "RUN_ID=1").out
    plan = json.loads(millrace("explain", sql_of(name), "--set", "RUN_ID=1", "--json").out)
    for operator in plan["operators"]:
        assert f"#{operator['id']} {operator['text']}  [{operator['file']}]" in text
        assert os.path.exists(os.path.join(oracle.ROOT, operator["file"]))
    for fact in ("state", "exchange", "strategy", "watermark"):
        said = [o[fact] for o in plan["operators"] + plan["sources"] if fact in o]
        assert all(f"{fact}: {value}\n" in text for value in said)
    assert plan["operators"][0]["operator"] == "scan"


def test_secrets_are_hidden_and_the_name_of_a_key_column_is_not(tmp_path):
    sql = tmp_path / "keyed.sql"
    sql.write_text("""
        CREATE SERVER far FOREIGN DATA WRAPPER kafka OPTIONS (bootstrap_servers '127.0.0.1:1');
        CREATE FOREIGN TABLE events (user_id text, amount bigint) SERVER far OPTIONS (topic 'events', format 'json',
            "kafka.ssl.key.pem" 'PEM-1', "kafka.sasl.password" 'hunter22',
            "kafka.sasl.oauthbearer.client.secret" 'OAUTH-1', "kafka.sasl.username" 'ann');
        CREATE FOREIGN TABLE copied () SERVER far OPTIONS (topic 'copied', key 'user_id');
        INSERT INTO copied SELECT user_id, amount FROM events WHERE amount > 0;
    """)
    text = millrace("explain", sql).out
    assert "key 'user_id'" in text and "'ann'" in text, text
    for name, value in (("ssl.key.pem", "PEM-1"), ("sasl.password", "hunter22"), ("client.secret", "OAUTH-1")):
        assert f"{name} '***'" in text and value not in text, text


def everything_below(folder):
    return sorted(os.path.join(at, name) for at, _folders, names in os.walk(folder) for name in names)


def analyzed(tmp_path, source, *more, env=None):
    own = tmp_path / "own"
    own.mkdir(exist_ok=True)
    run = millrace("explain", "--analyze", sql_of("retail"), "--source", f"events=file:{source}", *more, "--json",
                   env={"TMPDIR": str(own), **(env or {})})
    assert list(own.iterdir()) == [], "its own data folder was left behind"
    return json.loads(run.out)


@pytest.mark.parametrize("workers", [1, 4])
def test_analysis_counts_exactly_and_leaves_no_trace(tmp_path, workers):
    source = tmp_path / "events.jsonl"
    millrace("generate", "retail", "--count", ROWS, "--bad", "0.01", "--to", source)
    good, bad = [], 0
    for line in source.read_text().splitlines():
        try:
            event = json.loads(line)
            good.append(event["event_id"]) if "2026-99" not in line and event["user_id"] != "many" else 1 / 0
        except (ValueError, KeyError, ZeroDivisionError):
            bad += 1
    assert bad > 50 and len(set(good)) < len(good)
    data = tmp_path / "data"
    millrace("run", sql_of("retail"), "--source", f"events=file:{source}", "--until", "end", "--data", data)
    real = oracle.read_duckdb(lake(data, "segment_metrics"), ["total_amount"])
    before = everything_below(data), everything_below(os.path.join(EXAMPLES, "retail"))
    plan = analyzed(tmp_path, source, "-c", f"exec.workers={workers}", env={"MILLRACE_DATA": str(data)})
    assert before == (everything_below(data), everything_below(os.path.join(EXAMPLES, "retail")))

    by_kind = {o["operator"]: o for o in plan["operators"]}
    unique = len(set(good))
    assert (by_kind["scan"]["rows_in"], by_kind["scan"]["rows_out"]) == (len(good), len(good))
    assert (by_kind["late"]["rows_in"], by_kind["late"]["rows_out"]) == (len(good), len(good))
    assert (by_kind["distinct"]["rows_in"], by_kind["distinct"]["rows_out"]) == (len(good), unique)
    assert by_kind["aggregate"]["rows_in"] == unique
    assert by_kind["join"]["table_rows"] in (100, 400)
    parquet, console = plan["inserts"]
    assert parquet["rows"] == len(real) and parquet["files"] > 0 and parquet["bytes"] > 0
    assert console["rows"] >= len(real) and console["files"] == 0 and "dropped" in console["rehearsal"]
    assert plan["sources"][0]["bad_rows"] == bad == plan["run"]["bad_rows"]
    assert (plan["run"]["input_rows"], plan["run"]["input_bytes"]) == (ROWS, source.stat().st_size)
    assert plan["run"]["duplicates"] == len(good) - unique
    # Times: every operator that had rows took some; none can have more than all workers together.
    for operator in plan["operators"]:
        assert 0 < operator["own_ms"] <= plan["run"]["wall_ms"] * workers, operator
    assert plan["sources"][0]["read_ms"] > 0 and by_kind["aggregate"]["emit_ms"] > 0
    assert sum(o["own_ms"] for o in plan["operators"]) <= plan["run"]["wall_ms"] * (workers + 1)
    assert by_kind["distinct"]["state_bytes"] >= 16 * by_kind["distinct"]["state_rows"] > 0
    assert plan["run"]["ended"] == 1 and plan["run"]["epochs"] >= 1


def test_analysis_as_text_has_a_line_for_each_operator(tmp_path):
    source = tmp_path / "events.jsonl"
    millrace("generate", "retail", "--count", 1000, "--to", source)
    run = millrace("explain", "--analyze", sql_of("retail"), "--source", f"events=file:{source}", "-c",
                   "exec.workers=1", "--data", tmp_path / "below")
    assert run.out.count("rows in, ") == 8 and "\nrun\n    input: 1000 rows" in run.out
    assert "ran: 1000 rows in, 1000 out, " in run.out
    assert list((tmp_path / "below").iterdir()) == []


def test_until_without_analyze_is_refused():
    run = start("explain", sql_of("retail"), "--until", "end").wait(30)
    assert run.code == 2 and "Add --analyze" in run.err


def test_a_failing_run_is_told_and_cleaned_up(tmp_path):
    run = start("explain", "--analyze", sql_of("retail"), "--source", f"events=file:{tmp_path}/none.jsonl",
                "--data", tmp_path).wait(60)
    assert run.code == 1 and "none.jsonl" in run.err
    assert list(tmp_path.iterdir()) == []
