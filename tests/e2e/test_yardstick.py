"""The yardstick measured: generator, DuckDB oracle and plain-Python reference must agree.

Nothing of millrace runs here. If one of these fails, no other end-to-end test means anything.
"""

import datetime
import os
import random

import pyarrow as pa
import pyarrow.parquet
import pytest

import oracle
import reference
import retail_data
import sensors_data

SOAK = os.environ.get("MILLRACE_SOAK") == "1"
NOW = datetime.datetime(2027, 1, 1, tzinfo=datetime.timezone.utc)


def orders(known, seed):
    """Ways to read the partitions: one after the other, backwards, and at random."""
    counts = [len(lines) for lines in known.lines]
    in_turn = [p for p, count in enumerate(counts) for _ in range(count)]
    shuffled = in_turn[:]
    random.Random(seed).shuffle(shuffled)
    return [in_turn, in_turn[::-1], shuffled]


def positions(table):
    return set(zip(table["partition"].to_pylist(), table["position"].to_pylist()))


def wrong_labels(known, result):
    """Rows of which generator and reference disagree, with their bytes."""
    def show(keys):
        lines = known.lines
        return [(p, i, lines[p][i]) for p, i in sorted(keys)[:5]]
    bad = positions(known.of(retail_data.BAD)) ^ set(result.bad)
    late = positions(known.listed_late()) ^ set(result.late)
    return show(bad), show(late)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("partitions", [1, 2, 4])
def test_retail(seed, partitions):
    known = retail_data.generate(
        1500 + 700 * (seed % 4), partitions, seed, future=seed % 2 == 1, hours=[0.2, 1.5, 3, 8][seed % 4],
        skew_us=[0, 45_000_000, 600_000_000][seed % 3], dirt=1 + 4 * (seed % 3))
    expected = oracle.retail_expected(known.of(retail_data.GOOD))
    for order in orders(known, seed):
        result = reference.retail(known.lines, order, oracle.DIM, NOW if seed % 2 else None)
        assert wrong_labels(known, result) == ([], [])
        assert result.counts == known.counts()
        oracle.compare(oracle.RETAIL_COLUMNS, expected, result.rows, rms_max=0, worst_max=0)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("partitions", [1, 3])
def test_sensors(seed, partitions):
    known = sensors_data.generate(3000, partitions, seed)
    expected = oracle.sensors_expected(known.of(retail_data.GOOD))
    for order in orders(known, seed):
        result = reference.sensors(known.lines, order)
        assert wrong_labels(known, result) == ([], [])
        assert result.counts == known.counts()
        oracle.compare(oracle.SENSORS_COLUMNS, expected, result.rows)
        raw = known.of(retail_data.GOOD, retail_data.LATE)
        columns = [raw[c].to_pylist() for c in ("id", "event_us", "value", "source")]
        assert sorted(result.raw, key=str) == sorted(zip(*columns), key=str)


def test_every_kind_of_row_is_made():
    known = retail_data.generate(60_000, 3, 5, future=True, dirt=3)
    kinds = set(known.table["kind"].to_pylist())
    missing = {f"bad {name}" for name, _ in retail_data.BAD_KINDS} | {
        f"odd {maker.__name__}" for maker in retail_data.ODD} | {
        "plain", "copy", "copy elsewhere", "late copy", "late copy elsewhere", "lagging", "edge", "future",
        "id again"}
    assert missing - kinds == set()
    table = known.table.to_pylist()
    # What the names promise: late for one of two windows, ids that count again, closings on the microsecond.
    assert any(r["cls"] == "good" and r["missed"] == 1 for r in table)
    assert any(r["cls"] == "dup" and r["missed"] == 1 for r in table)
    assert {r["cls"] for r in table if r["kind"] == "id again"} == {"good", "dup"}
    assert {r["missed"] for r in table if r["kind"] == "edge"} == {0, 1, 2}
    for window_us, cls, missed in ((60_000_000, "late", 2), (30_000_000, "good", 1)):
        assert any(r["watermark_us"] == r["event_us"] // 30_000_000 * 30_000_000 + window_us
                   for r in table if (r["cls"], r["missed"]) == (cls, missed))
    assert 0.04 < known.counts()["dup"] / len(table) < 0.06


@pytest.mark.parametrize("spoil, complaint", [
    (lambda rows: rows[1:], "rows instead of"),
    (lambda rows: rows + rows[:1], "rows instead of"),
    (lambda rows: rows[1:] + rows[-1:], "instead of"),
    (lambda rows: [rows[0][:6] + (rows[0][6] * (1 + 3e-12),) + rows[0][7:]] + rows[1:], "total_amount"),
    (lambda rows: [rows[0][:5] + (rows[0][5] + 1,) + rows[0][6:]] + rows[1:], "max_event_time"),
    (lambda rows: [rows[0][:4] + ("other",) + rows[0][5:]] + rows[1:], "segment"),
    (lambda rows: [rows[0][:7] + (rows[0][7] + 1,)] + rows[1:], "unique_events"),
    (lambda rows: [r[:7] + (r[7] * 1.02,) for r in rows], "root mean square"),
])
def test_a_wrong_result_is_noticed(spoil, complaint):
    known = retail_data.generate(3000, 2, 1)
    rows = oracle.retail_expected(known.of(retail_data.GOOD))
    oracle.compare(oracle.RETAIL_COLUMNS, rows, rows[::-1])
    with pytest.raises(AssertionError, match=complaint):
        oracle.compare(oracle.RETAIL_COLUMNS, rows, spoil(rows))


def hive_name(value):
    """A value as a folder's name, escaped as Spark and Hive do: these ASCII bytes only.

    Escaping more is not harmless: Spark reads %C3%83 as two characters, not as one of UTF-8.
    """
    special = set('"#%\'*/:=?\\{[]^\x7f') | {chr(c) for c in range(1, 32)}
    return "".join(f"%{ord(c):02X}" if c in special else c for c in value)


def test_readers_agree_on_a_written_table(tmp_path):
    """What is written into partition folders with awkward names is read back alike by all readers."""
    known = retail_data.generate(20_000, 1, 3, dirt=10)
    rows = oracle.retail_expected(known.of(retail_data.GOOD))
    countries = {r[3] for r in rows}
    assert {"A/B", "X=Y", "100%", "..", "A B", "CÔTE D'IVOIRE", "SÃO"} <= countries
    moment = pa.timestamp("us", "UTC")
    schema = pa.schema([("window_start", moment), ("window_end", moment), ("event_date", pa.date32()),
                        ("segment", pa.string()), ("max_event_time", moment), ("total_amount", pa.float64()),
                        ("unique_events", pa.int64())])
    for country in countries:
        of_country = [r[:3] + r[4:] for r in rows if r[3] == country]
        columns = [pa.array(values, pa.int64()).cast(field.type) if field.type == moment else
                   pa.array(values, field.type) for values, field in zip(zip(*of_country), schema)]
        folder = tmp_path / f"country={hive_name(country)}"
        folder.mkdir()
        pa.parquet.write_table(pa.table(columns, schema=schema), folder / "part-0.parquet")
    for got in (oracle.read_duckdb(str(tmp_path), oracle.RETAIL_COLUMNS, ("country", "VARCHAR")),
                oracle.read_pyarrow(str(tmp_path), oracle.RETAIL_COLUMNS, ("country", pa.string())),
                *([oracle.read_spark(str(tmp_path), oracle.RETAIL_COLUMNS)] if SOAK else [])):
        oracle.compare(oracle.RETAIL_COLUMNS, rows, got, rms_max=0, worst_max=0)
