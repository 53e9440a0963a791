"""Data made from a spec: shares and distributions over 100,000 rows, exact repetition, every sink, and bad specs.

    UPDATE=1 ... -m pytest tests/e2e/test_generate.py     rewrites tests/e2e/golden_generate
"""

import collections
import csv
import datetime
import io
import json
import math
import os
import re
import statistics
import uuid

import confluent_kafka
import pytest

import oracle
from conftest import millrace, start

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden_generate")
UPDATE = os.environ.get("UPDATE") == "1"
ROWS = 100_000

SPEC = """\
count: 100000
columns:
  - {name: id, type: uuid}
  - {name: seq, type: bigint, distribution: sequence, start: 10, step: 3}
  - {name: user_id, type: integer, distribution: zipf, n: 1000}
  - {name: item, type: bigint, distribution: zipf, n: 200000, exponent: 0.7}
  - {name: product_id, type: smallint, min: 1, max: 6}
  - {name: amount, type: numeric, scale: 2, distribution: normal, mean: 50, sd: 12, nulls: 0.1}
  - {name: wait, type: float, distribution: exponential, mean: 3}
  - {name: country, type: text, values: {IN: 5, US: 3, DE: 2}, nulls: 0.02}
  - {name: kind, type: text, distribution: uniform, values: [a, b]}
  - {name: code, type: text, pattern: "u-{seq:08}-{hex:4}-{digits:3}-{letters:2}-{product_id}"}
  - {name: at, type: timestamp, start: "2026-01-01 10:00:00", step: 10 ms, disorder: 5 s}
  - {name: due, type: timestamp, column: at, add: 5 min}
  - {name: price, type: float, distribution: walk, start: 100, step: 0.5, min: 90, max: 110, scale: 3}
  - {name: gross, type: numeric, column: amount, multiply: 2, add: 1}
  - {name: ok, type: boolean}
  - {name: day, type: date, min: 2026-02-01, max: 2026-02-28}
  - {name: clock, type: time, min: "08:00:00", max: "09:00:00"}
  - {name: fixed, type: text, value: x}
  - name: geo
    type: object
    columns: [{name: lat, type: float, min: -90, max: 90}, {name: tags, type: array, length_max: 4, of: {type: integer}}]
"""


def generate(folder, spec, *more):
    path = folder / "spec.yaml"
    path.write_text(spec)
    return millrace("generate", path, *more, cwd=folder).out


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generate")
    return [json.loads(line) for line in generate(folder, SPEC).splitlines()]


def near(got, share, count=ROWS):
    """Within five standard deviations of a binomial share: a fair draw fails once in 1.7 million tries."""
    want, sd = share * count, math.sqrt(count * share * (1 - share))
    assert abs(got - want) <= 5 * sd + 1, f"{got} of {count}, {share} asked for"


def test_columns_are_as_their_types_and_distributions_say(rows):
    assert len(rows) == ROWS and list(rows[0])[:3] == ["id", "seq", "user_id"]
    assert len({uuid.UUID(r["id"]) for r in rows}) == ROWS and all(uuid.UUID(r["id"]).version == 4 for r in rows[:99])
    assert [r["seq"] for r in rows] == list(range(10, 10 + 3 * ROWS, 3))
    near(sum(r["amount"] is None for r in rows), 0.1)
    near(sum(r["country"] is None for r in rows), 0.02)
    amounts = [r["amount"] for r in rows if r["amount"] is not None]
    assert abs(statistics.mean(amounts) - 50) < 5 * 12 / math.sqrt(len(amounts))
    assert abs(statistics.stdev(amounts) - 12) < 0.2
    near(sum(abs(a - 50) > 24 for a in amounts), 0.0455, len(amounts))
    assert all(round(a, 2) == a for a in amounts)
    waits = [r["wait"] for r in rows]
    assert abs(statistics.mean(waits) - 3) < 0.05 and min(waits) >= 0
    near(sum(w > 6 for w in waits), math.exp(-2))
    assert all(r["gross"] == (None if r["amount"] is None else round(2 * r["amount"] + 1, 2)) for r in rows)
    near(sum(r["ok"] for r in rows), 0.5)
    assert {r["fixed"] for r in rows} == {"x"}
    counts = collections.Counter(r["kind"] for r in rows)
    near(counts["a"], 0.5)


def test_weights_and_ranks(rows):
    known = [r["country"] for r in rows if r["country"] is not None]
    for country, weight in (("IN", 0.5), ("US", 0.3), ("DE", 0.2)):
        near(known.count(country), weight, len(known))
    for k in range(1, 7):
        near(sum(r["product_id"] == k for r in rows), 1 / 6)
    harmonic = sum(1 / k for k in range(1, 1001))
    users = collections.Counter(r["user_id"] for r in rows)
    for k in (1, 2, 3, 10, 100):
        near(users[k], 1 / k / harmonic)
    assert min(users) == 1 and max(users) <= 1000
    total = sum(k ** -0.7 for k in range(1, 200001))
    tail = sum(k ** -0.7 for k in range(65537, 200001)) / total  # Behind the table of weights.
    near(sum(r["item"] > 65536 for r in rows), tail)
    near(sum(r["item"] > 150000 for r in rows), sum(k ** -0.7 for k in range(150001, 200001)) / total)
    near(sum(r["item"] == 1 for r in rows), 1 / total)
    assert max(r["item"] for r in rows) <= 200000


def test_times_walks_patterns_and_nesting(rows):
    begin = moment("2026-01-01T10:00:00Z")
    for i, row in enumerate(rows[:5000]):
        behind = begin + i * datetime.timedelta(milliseconds=10) - moment(row["at"])
        assert datetime.timedelta(0) <= behind < datetime.timedelta(seconds=5)
        assert moment(row["due"]) - moment(row["at"]) == datetime.timedelta(minutes=5)
        assert re.fullmatch(rf"u-{i:08}-[0-9a-f]{{4}}-\d{{3}}-[a-z]{{2}}-{row['product_id']}", row["code"])
        assert "2026-02-01" <= row["day"] <= "2026-02-28" and "08:00:00" <= row["clock"] <= "09:00:00"
        assert -90 <= row["geo"]["lat"] <= 90 and len(row["geo"]["tags"]) <= 4
    near(sum(len(r["geo"]["tags"]) == 2 for r in rows), 1 / 5)
    prices = [r["price"] for r in rows]
    assert all(90 <= p <= 110 for p in prices) and min(prices) < 91 and max(prices) > 109
    assert max(abs(a - b) for a, b in zip(prices, prices[1:])) <= 0.501
    letters = collections.Counter(r["code"].split("-")[4][0] for r in rows)
    for letter in "amz":
        near(letters[letter], 1 / 26)


SHARES = """\
count: 100000
duplicates: 0.1
duplicates_within: 100
late: 0.05
late_by: 10 min
future: 0.01
future_by: 1 hour
bad: 0.03
columns:
  - {name: id, type: text, pattern: "{seq}"}
  - {name: n, type: integer}
  - {name: at, type: timestamp, step: 10 ms, disorder: 5 s}
"""


def test_shares_of_duplicates_late_future_and_bad_rows(tmp_path):
    lines = generate(tmp_path, SHARES).splitlines()
    last, copies, bad = {}, 0, collections.Counter()
    early = late = future = 0
    for i, line in enumerate(lines):
        if line in last:  # Every row has a number of its own, so equal lines are copies.
            copies += 1
            assert i - last[line] <= 100
        last[line] = i
        try:
            row = json.loads(line)
        except ValueError:
            bad["malformed"] += 1
            continue
        if len(row) < 3:
            bad["missing_field"] += 1
        elif not isinstance(row["id"], str) or not isinstance(row["n"], int) or "-99-" in row["at"]:
            bad["wrong_type"] += 1
        else:
            step = datetime.timedelta(milliseconds=10)
            behind = moment("2026-01-01T00:00:00Z") + int(row["id"]) * step - moment(row["at"])
            late += datetime.timedelta(seconds=5) < behind <= datetime.timedelta(minutes=10, seconds=5)
            future += behind < datetime.timedelta(0)
            early += behind > datetime.timedelta(minutes=10, seconds=5)
    # Copies of copies may lie further back than their first, and a copy of a spoilt row is one too.
    near(copies, 0.1)
    near(sum(bad.values()), 0.03)
    for kind in ("malformed", "wrong_type", "missing_field"):
        near(bad[kind], 0.01)
    sound = ROWS - sum(bad.values())
    near(late, 0.05 * (1 - 5 / 600 / 2), sound)  # A few late rows have hardly more than the disorder.
    assert 0.006 * sound < future <= 0.0115 * sound and early == 0


def test_the_same_spec_and_seed_make_the_same_bytes_at_any_rate_into_any_sink(tmp_path):
    out = generate(tmp_path, SHARES, "--count", "3000")
    to_file = tmp_path / "a.jsonl"
    generate(tmp_path, SHARES, "--count", "3000", "--rate", "20000", "--to", to_file)
    assert to_file.read_text() == out
    assert generate(tmp_path, SHARES, "--count", "2000") == "".join(out.splitlines(True)[:2000])
    assert generate(tmp_path, SHARES, "--count", "3000", "--seed", "2") != out
    assert generate(tmp_path, "seed: 2\n" + SHARES, "--count", "50", "--seed", "1") == "".join(out.splitlines(True)[:50])


def test_csv_reads_back_as_the_json_does(tmp_path):
    spec = SPEC.replace('values: [a, b]', 'values: ["a,b", \'c"d\', ""]')
    want = [json.loads(line) for line in generate(tmp_path, spec, "--count", "500").splitlines()]
    text = generate(tmp_path, "format: csv\n" + spec, "--count", "500")
    got = list(csv.DictReader(io.StringIO(text)))
    assert len(got) == 500 and list(got[0]) == list(want[0])
    for w, g in zip(want, got):
        assert g["kind"] == w["kind"] and g["country"] == (w["country"] or "") and json.loads(g["geo"]) == w["geo"]
        assert g["ok"] == str(w["ok"]).lower() and (g["amount"] == "" if w["amount"] is None else float(g["amount"]) == w["amount"])
    path = tmp_path / "out.csv"
    path.write_text(text)
    nulls = sum(w["country"] is None for w in want)
    import duckdb
    assert duckdb.sql(f"SELECT count(*), count(country), sum(gross) FROM read_csv('{path}')").fetchone()[:2] == (500, 500 - nulls)
    assert generate(tmp_path, "format: csv\nheader: false\n" + spec, "--count", "1").count("\n") == 1


def test_into_kafka_with_keys(tmp_path, kafka, topic):
    spec = "key: user_id\n" + SPEC.replace("zipf, n: 1000}", "zipf, n: 50, nulls: 0.1}")
    generate(tmp_path, spec, "--count", "2000", "--to", f"kafka://{kafka.address}/{topic}")
    want = [json.loads(line) for line in generate(tmp_path, spec, "--count", "2000").splitlines()]
    consumer = confluent_kafka.Consumer({"bootstrap.servers": kafka.address, "group.id": "g", "auto.offset.reset": "earliest"})
    consumer.assign([confluent_kafka.TopicPartition(topic, p, 0) for p in range(3)])
    got, partitions = {}, collections.defaultdict(set)
    while len(got) < 2000:
        message = consumer.poll(10)
        assert message is not None and message.error() is None, f"{len(got)} of 2000"
        row = json.loads(message.value())
        got[row["seq"]] = row
        assert message.key() == (None if row["user_id"] is None else str(row["user_id"]).encode())
        partitions[message.key()].add(message.partition())
    consumer.close()
    assert [got[w["seq"]] for w in want] == want
    assert all(len(p) == 1 for key, p in partitions.items() if key is not None) and len(partitions[None]) == 3


def test_a_pipeline_reads_from_a_spec(tmp_path):
    (tmp_path / "spec.yaml").write_text(SHARES)
    (tmp_path / "p.sql").write_text("""
CREATE SERVER made FOREIGN DATA WRAPPER generator;
CREATE SERVER lake FOREIGN DATA WRAPPER parquet OPTIONS (path 'data/lake');
CREATE FOREIGN TABLE rows (id text, n int NOT NULL, at timestamptz OPTIONS (watermark '1 hour') NOT NULL)
  SERVER made OPTIONS (spec 'spec.yaml', count '20000', partitions '2');
CREATE FOREIGN TABLE kept () SERVER lake OPTIONS (path 'kept', mode 'append');
INSERT INTO kept SELECT id, n, at FROM rows;
""")
    run = millrace("run", "p.sql", "--until", "end", "--data", "data", "--progress", "json", cwd=tmp_path)
    lines = generate(tmp_path, SHARES, "--count", "20000").splitlines()
    want = []
    for line in lines:
        try:
            row = json.loads(line)
            if isinstance(row["n"], int) and isinstance(row.get("id", ""), str) and "-99-" not in row["at"]:
                want.append((row.get("id"), row["n"]))
        except (ValueError, KeyError):
            pass
    got = oracle.read_duckdb(tmp_path / "data" / "lake" / "kept", ["id", "n"])
    assert collections.Counter(got) == collections.Counter(want)
    assert run.progress.last("bad_rows_total") == 20000 - len(want)


# ---- messages ----

GOOD = "columns:\n  - {name: a, type: integer}\n  - {name: t, type: timestamp}\n"
BAD = {
    "unknown_key": GOOD.replace("columns", "seeed: 1\ncolumns"),
    "unknown_column_key": GOOD.replace("type: integer", "type: integer, nuls: 0.1"),
    "no_columns": "count: 3\n",
    "columns_are_a_map": "columns: {a: integer}\n",
    "column_is_a_word": "columns: [a]\n",
    "unknown_type": GOOD.replace("integer", "intger"),
    "unknown_distribution": GOOD.replace("type: integer", "type: integer, distribution: gauss"),
    "distribution_of_another_type": GOOD.replace("timestamp}", "timestamp, distribution: normal}"),
    "key_of_another_distribution": GOOD.replace("type: integer", "type: integer, distribution: zipf, n: 3, mean: 4"),
    "share_too_large": GOOD.replace("type: integer", "type: integer, nulls: 1.5"),
    "share_is_a_word": "late: often\n" + GOOD,
    "shares_together": "late: 0.6\nfuture: 0.5\n" + GOOD,
    "count_negative": "count: -1\n" + GOOD,
    "late_without_time": "late: 0.1\ncolumns: [{name: a, type: integer}]\n",
    "min_is_no_number": GOOD.replace("type: integer", "type: integer, min: one"),
    "min_above_max": GOOD.replace("type: integer", "type: integer, min: 5, max: 4"),
    "start_is_no_time": GOOD.replace("timestamp}", "timestamp, start: yesterday}"),
    "step_is_no_duration": GOOD.replace("timestamp}", "timestamp, step: 3 parsecs}"),
    "key_unknown": "key: aa\n" + GOOD.replace("name: a,", "name: aaa,"),
    "column_twice": GOOD.replace("name: t", "name: a"),
    "column_without_name": GOOD.replace("name: a, ", ""),
    "reference_unknown": GOOD.replace("timestamp}", "timestamp, column: tt}"),
    "reference_to_another_type": GOOD.replace("timestamp}", "timestamp, column: a}"),
    "pattern_unknown": GOOD.replace("timestamp}", "text, pattern: 'x{sequence}'}"),
    "pattern_open": GOOD.replace("timestamp}", "text, pattern: 'x{seq'}"),
    "weights_missing": GOOD.replace("timestamp}", "text, values: [a, b], weights: [1]}"),
    "weight_negative": GOOD.replace("timestamp}", "text, values: {a: 1, b: -1}}"),
    "value_of_another_type": GOOD.replace("type: integer", "type: integer, values: [1, two]"),
    "scale_of_an_integer": GOOD.replace("type: integer", "type: integer, scale: 2"),
    "object_without_columns": GOOD.replace("integer", "object"),
    "array_of_named": GOOD.replace("integer", "array, of: {name: x, type: integer}"),
    "zipf_without_n": GOOD.replace("type: integer", "type: integer, distribution: zipf"),
    "smallint_too_large": GOOD.replace("integer", "smallint, value: 40000"),
    "array_too_long": GOOD.replace("integer", "array, length_max: 2000, of: {type: array, length_max: 2000, of: {type: date}}"),
    "bad_kind": "bad: 0.1\nbad_kinds: [malformd]\n" + GOOD,
    "tab": GOOD.replace("  - {name: t", "\t- {name: t"),
    "key_twice": "count: 3\n" + GOOD + "count: 4\n",
    "format": "format: xml\n" + GOOD,
}
NO_ADVICE = {"shares_together", "count_negative", "min_above_max", "column_twice", "pattern_open", "zipf_without_n",
             "distribution_of_another_type", "object_without_columns"}


@pytest.mark.parametrize("name", BAD)
def test_bad_spec_is_told_with_its_place(tmp_path, name):
    (tmp_path / "spec.yaml").write_text(BAD[name])
    run = start("generate", "spec.yaml", cwd=tmp_path).wait(30)
    assert (run.code, run.out) == (2, "")
    path = os.path.join(GOLDEN, f"{name}.txt")
    if UPDATE:
        with open(path, "w", encoding="utf-8") as out:
            out.write(run.err)
    with open(path, encoding="utf-8") as golden:
        assert run.err == golden.read(), "UPDATE=1 rewrites it"
    assert run.err.count("error: ") == 1 and re.search(r"\n  at spec\.yaml:\d+:\d+\n", run.err), run.err
    assert ("hint: " in run.err) == (name not in NO_ADVICE), run.err


def test_every_golden_message_has_its_case():
    assert {f.removesuffix(".txt") for f in os.listdir(GOLDEN)} == set(BAD)


def test_options_of_the_built_in_kinds_are_not_for_specs(tmp_path):
    (tmp_path / "spec.yaml").write_text(GOOD)
    run = start("generate", "spec.yaml", "--late", "0.1", cwd=tmp_path).wait(30)
    assert run.code == 2 and "Write it into the spec's file." in run.err
    run = start("generate", "gone.yaml", cwd=tmp_path).wait(30)
    assert run.code == 1 and "gone.yaml" in run.err


def test_the_manual_lists_every_key_type_and_distribution():
    shown = millrace("generate", "--help").out
    with open(os.path.join(oracle.ROOT, "docs", "generate.md"), encoding="utf-8") as page:
        manual = page.read()
    tables = shown[shown.index("Keys of a SPEC.yaml:"):]
    rows = re.findall(r"^  (\w+) +(.+)$", tables, re.M)
    assert len(rows) >= 60
    for name, text in rows:
        assert f"| `{name}` | {text} |" in manual, name


def test_the_spec_in_the_manual_works(tmp_path):
    with open(os.path.join(oracle.ROOT, "docs", "generate.md"), encoding="utf-8") as page:
        spec = re.search(r"```yaml\n(.+?)```", page.read(), re.S).group(1)
    assert generate(tmp_path, spec, "--count", "50").count("\n") == 50
