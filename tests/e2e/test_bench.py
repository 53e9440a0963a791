"""The benchmark's own judgement: wrong output, missed targets and regressions must be found.

Nothing here is timed; the figures are made up.
"""

import os
import sys
import types

import duckdb
import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))

import answers  # noqa: E402
import broker  # noqa: E402
import callgrind  # noqa: E402
import history  # noqa: E402
import report  # noqa: E402
from common import ROOT, Failure  # noqa: E402

# decode calls memcpy for 30, panes for 10; main does 5 itself.
CALLGRIND = f"""# callgrind format
version: 1
positions: line
events: Ir
summary: 145

ob=(1) {ROOT}/build/millrace
fl=(1) {ROOT}/src/cli/main.c
fn=(1) main
1 5
cfi=(2) {ROOT}/src/codec/json.c
cfn=(2) mr_json_decode
calls=1 7
2 90
cfi=(3) {ROOT}/src/exec/panes.c
cfn=(3) mr_panes_update.isra.0
calls=1 9
3 50

fl=(2)
fn=(2)
7 40
fi=(4) {ROOT}/src/base/bits.h
+2 20
fe=(2)
cob=(2) /usr/lib/libc.so.6
cfi=(5) ./string/memmove.S
cfn=(4) memcpy
calls=3 1
* 30

fl=(3)
fn=(3)
9 40
cob=(2)
cfi=(5)
cfn=(4)
calls=1 1
9 10

ob=(2)
fl=(5)
fn=(4)
1 40
"""


def test_a_shared_function_counts_for_the_layers_of_its_callers(tmp_path):
    path = tmp_path / "callgrind.out"
    path.write_text(CALLGRIND)
    profile = callgrind.Profile(path)
    assert profile.total == 145
    layers = profile.layers()
    assert {name: round(cost) for name, (cost, _functions) in layers.items()} == {
        "decode": 90, "panes": 50, "start": 5}
    assert layers["decode"][1] == [("mr_json_decode", 60), ("memcpy", 30)]
    assert layers["panes"][1] == [("mr_panes_update", 40), ("memcpy", 10)]


def base(**more):
    return dict({"instructions": {"retail": 1000}, "inputs": {"retail": "a"},
                 "layers": {"retail": {"decode": 600, "panes": 400}}}, **more)


@pytest.mark.parametrize("now, fails", [(1049, False), (1051, True), (500, False)])
def test_a_workload_fails_when_it_takes_over_five_percent_more(now, fails):
    rows, failed = history.judge({"retail": (now, {"decode": now})}, {"retail": "a"}, base())
    assert bool(failed) == fails and rows[0]["before"] == 1000


def test_another_input_or_compiler_is_not_compared(tmp_path, monkeypatch):
    rows, failed = history.judge({"retail": (9000, {})}, {"retail": "b"}, base())
    assert failed == [] and "change" not in rows[0] and "another input" in rows[0]["note"]
    path = tmp_path / "history.jsonl"
    path.write_text('{"arch": "x", "compiler": "gcc 1", "commit": "old"}\n{"arch": "x", "compiler": "gcc 1", '
                    '"commit": "new"}\n{"arch": "x", "compiler": "gcc 2", "commit": "other"}\n')
    monkeypatch.setattr(history, "PATH", str(path))
    assert history.last("x", "gcc 1")["commit"] == "new"
    assert history.last("y", "gcc 1") is None


def results(**rows):
    bench = types.SimpleNamespace(cores=2)
    return report.Results(bench, {name.replace("_", "-"): dict(row, others_share=0) for name, row in rows.items()},
                          {}, "", True)


def verdicts(got):
    return {t["what"]: t["ok"] for t in got.targets()}


def test_targets_are_met_and_missed_where_they_say():
    def measured(from_kafka, peak, first_row):
        return results(spark_udf={"events_per_second": 50_000, "events": 1}, spark_builtin={"error": "none"},
                       consume={"events_per_second": 1_200_000, "events": 1},
                       retail_kafka={"events_per_second": from_kafka, "events": 1, "peak_bytes": peak},
                       stateless_file={"events_per_second": 1, "events": 1, "first_row_seconds": first_row})

    fine = verdicts(measured(1_020_000, 300_000_000, 0.3))
    assert fine == {"retail from Kafka, against Spark": True, "retail from Kafka, of consume-and-discard": True,
                    "retail from Kafka, memory": True, "stateless from a file, first row": True}
    assert not any(verdicts(measured(999_999, 300_000_001, 0.301)).values())


def produced(durability, partitions, times, p99, kafka_p99):
    def side(speed, p99_ms):
        return {"records_per_second": speed, "mb_per_second": speed / 1e4, "p99_ms": p99_ms, "syncs": 7,
                "cpu_seconds": 0.5}
    return {"durability": durability, "record_bytes": 100, "acks": "all", "partitions": partitions, "times": times,
            "millrace": side(1000 * times, p99), "kafka": side(1000, kafka_p99)}


def test_the_worst_row_of_producers_is_judged_against_kafka():
    rows = [produced("kafka", 1, 1.0, 10, 10), produced("kafka", 10, 2.0, 5, 9), produced("fsync", 1, 0.99, 8, 9),
            produced("fsync", 10, 3.0, 12, 11)]
    got = results()
    got.tables = {"broker-produce": {"rows": rows, "load": 0.0},
                  "broker-start": {"rows": [{"system": "millrace up", "start_seconds": 0.02, "idle_bytes": 26e6,
                                             "idle_cpu": 0.0}]}}
    assert verdicts(got) == {
        "produce, durability kafka, against Kafka as it is": True, "p99 of it, durability kafka": True,
        "produce, durability fsync, against Kafka with flush.messages=1": False,
        "p99 of it, durability fsync": False, "start of millrace up": True, "millrace up at rest, memory": False,
        "millrace up at rest, CPU": True}
    # What syncs here stands beside what does not there.
    assert [(ours["durability"], theirs) for ours, theirs in broker.mixed(rows)] == [
        ("fsync", rows[0]["kafka"]), ("fsync", rows[1]["kafka"])]
    assert "| kafka | 100 B | all | 10 | 0.2 | 0.1 | 2.00 | 5 ms | 9 ms | 0.50 s | 0.50 s | 7 | 7 |" in (
        broker.produce_table(rows))


def under_way(durability, read_p99, kafka_read_p99):
    def side(p99):
        return {"acknowledged_p50_ms": 0.1, "acknowledged_p99_ms": 0.5, "read_p50_ms": 0.2, "read_p99_ms": p99}
    return {"durability": durability, "record_bytes": 100, "acks": "1", "partitions": 1, "rate": 1000,
            "millrace": side(read_p99), "kafka": side(kafka_read_p99)}


@pytest.mark.parametrize("p99, ok", [(2.0, True), (2.1, False)])
def test_the_slowest_way_to_a_consumer_is_judged_against_kafka(p99, ok):
    rows = [under_way("kafka", 1.0, 3.0), under_way("fsync", p99, 2.0)]
    got = results()
    got.tables = {"broker-latency": {"rows": rows, "load": 0.0}}
    assert verdicts(got) == {"p99 from producer to consumer": ok}
    assert "| kafka | 100 B | 1 | 1 | 1,000 | 0.10 ms | 0.50 ms | 0.10 ms | 0.50 ms | 0.20 ms | 1.00 ms | 0.20 ms " in (
        broker.latency_table(rows))


def test_the_bound_is_the_sum_of_its_parts():
    got = results(read={"events_per_second": 40, "one_thread_events_per_second": 20},
                  simdjson={"events_per_second": 20, "one_thread_events_per_second": 10},
                  retail_file={"events_per_second": 5, "events": 100, "write_seconds": 2.5})
    assert got.bound("retail-file") == pytest.approx(1 / (1 / 40 + 1 / 20 + 1 / 40))
    assert got.bound("retail-file", cores=False) == pytest.approx(1 / (1 / 20 + 1 / 10 + 1 / 40))
    assert verdicts(got) == {"retail from a file, of the bound": True}
    got.rows["retail-file"]["events_per_second"] = 4.9
    assert verdicts(got) == {"retail from a file, of the bound": False}


def parquet(folder, query):
    os.makedirs(folder)
    duckdb.sql(f"COPY ({query}) TO '{folder}/rows.parquet' (FORMAT parquet)")
    return str(folder)


def test_a_wrong_row_is_found(tmp_path):
    given = types.SimpleNamespace(path=str(tmp_path / "in.jsonl"), facts={"ids": 2, "n": 30})
    with open(given.path, "w", encoding="utf-8") as out:
        for amount in (250, 100, 300.5):
            out.write(f'{{"event_id": "e", "user_id": 1, "product_id": 2, "amount": {amount}, "country": "in", '
                      '"event_time": "2026-01-01T00:00:00Z"}\n')
    row = "SELECT 'e' AS event_id, 1 AS user_id, 2 AS product_id, {}::DOUBLE AS amount, 'IN' AS country, " \
          "TIMESTAMPTZ '2026-01-01 00:00:00+00' AS event_time"
    right = f"{row.format(250)} UNION ALL {row.format(300.5)}"
    assert answers.check_stateless(parquet(tmp_path / "right", right), given) == 2
    for name, query in (("value", right.replace("300.5", "300.25")), ("doubled", f"{right} UNION ALL {row.format(250)}"),
                        ("lost", row.format(250))):
        with pytest.raises(Failure, match="wrong output"):
            answers.check_stateless(parquet(tmp_path / name, query), given)
    with pytest.raises(Failure, match="no rows"):
        answers.check_stateless(str(tmp_path / "nothing"), given)
    answers.check_distinct(parquet(tmp_path / "ids", "SELECT 2 AS ids, 30 AS total"), given, by_duckdb=False)
    with pytest.raises(Failure, match="wrong output"):
        answers.check_distinct(parquet(tmp_path / "more", "SELECT 3 AS ids, 30 AS total"), given, by_duckdb=False)
