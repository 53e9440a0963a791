"""The yardstick measured: generator, DuckDB oracle and plain-Python reference must agree.

Nothing of millrace runs here. If one of these fails, no other end-to-end test means anything.
"""

import datetime
import os
import random

import pyarrow as pa
import pyarrow.parquet
import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition

import conftest
import oracle
import reference
import retail_data
import sensors_data
import test_kill
import test_sensors

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


@pytest.mark.parametrize("seed", range(conftest.size(4, 12)))
@pytest.mark.parametrize("partitions", [1, 2, 4])
def test_retail_is_agreed_on(seed, partitions):
    known = retail_data.generate(
        1500 + 700 * (seed % 4), partitions, seed, future=seed % 2 == 1, hours=[0.2, 1.5, 3, 8][seed % 4],
        skew_us=[0, 45_000_000, 600_000_000][seed % 3], dirt=1 + 4 * (seed % 3))
    expected = oracle.retail_expected(known.of(retail_data.GOOD))
    for order in orders(known, seed):
        result = reference.retail(known.lines, order, oracle.DIM, NOW if seed % 2 else None)
        assert wrong_labels(known, result) == ([], [])
        assert result.counts == known.counts()
        oracle.compare(oracle.RETAIL_COLUMNS, expected, result.rows, rms_max=0, worst_max=0)


@pytest.mark.parametrize("seed", range(conftest.size(3, 8)))
@pytest.mark.parametrize("partitions", [1, 3])
def test_sensors_is_agreed_on(seed, partitions):
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


# ---- the checks of conftest.py, against a lake written by hand -----------------------------------------


def hive_name(value):
    """A value as a folder's name, escaped as Spark and Hive do: these ASCII bytes only.

    Escaping more is not harmless: Spark reads %C3%83 as two characters, not as one of UTF-8.
    """
    special = set('"#%\'*/:=?\\{[]^\x7f') | {chr(c) for c in range(1, 32)}
    return "".join(f"%{ord(c):02X}" if c in special else c for c in value)


MOMENT = pa.timestamp("us", "UTC")


def write_parquet(path, fields, rows):
    """fields: (name, type); times as microseconds."""
    columns = list(zip(*rows)) or [[]] * len(fields)
    arrays = [pa.array(values, pa.int64()).cast(kind) if kind == MOMENT else pa.array(values, kind)
              for values, (_name, kind) in zip(columns, fields)]
    path.parent.mkdir(parents=True, exist_ok=True)
    pa.parquet.write_table(pa.table(arrays, schema=pa.schema(fields)), path)


def write_metrics(folder, rows):
    fields = [("window_start", MOMENT), ("window_end", MOMENT), ("event_date", pa.date32()),
              ("segment", pa.string()), ("max_event_time", MOMENT), ("total_amount", pa.float64()),
              ("unique_events", pa.int64())]
    for country in {r[3] for r in rows}:
        write_parquet(folder / f"country={hive_name(country)}" / "part-0.parquet", fields,
                      [r[:3] + r[4:] for r in rows if r[3] == country])


def write_aside(folder, known):
    """The bad and late tables as they must be."""
    bad, late = known.of("bad"), known.listed_late()
    write_parquet(folder / "events_bad" / "part-0.parquet",
                  [("raw", pa.binary()), ("topic", pa.string()), ("partition", pa.int32()), ("offset", pa.int64()),
                   ("reason", pa.string())],
                  [(line, "t", p, offset, "json") for (line,), (p, offset) in zip(
                      conftest.rows_of(bad, ["line"]), conftest.places(known, bad))])
    columns = ["event_id", "user_id", "product_id", "amount", "country", "device", "event_us"]
    write_parquet(folder / "events_late" / "part-0.parquet",
                  [("event_id", pa.string()), ("user_id", pa.int32()), ("product_id", pa.int32()),
                   ("amount", pa.float64()), ("country", pa.string()), ("device", pa.string()),
                   ("event_time", MOMENT), ("_watermark", MOMENT), ("_reason", pa.string()),
                   ("_windows", pa.string()), ("_partition", pa.int32()), ("_offset", pa.int64())],
                  [(*row[:7], row[7], "future" if row[8] == "future" else "late", ", ".join("w" * row[9]), *place)
                   for row, place in zip(conftest.rows_of(late, [*columns, "watermark_us", "cls", "missed"]),
                                         conftest.places(known, late))])


def write_lake(data, known):
    rows = oracle.retail_expected(known.of(retail_data.GOOD))
    write_metrics(data / "lake" / "segment_metrics", rows)
    write_aside(data / "lake", known)
    return rows


def test_readers_agree_on_a_written_table(tmp_path):
    """What is written into partition folders with awkward names is read back alike by all readers."""
    known = retail_data.generate(20_000, 1, 3, dirt=10)
    rows = oracle.retail_expected(known.of(retail_data.GOOD))
    assert {"A/B", "X=Y", "100%", "..", "A B", "CÔTE D'IVOIRE", "SÃO"} <= {r[3] for r in rows}
    write_metrics(tmp_path, rows)
    for got in (oracle.read_duckdb(str(tmp_path), oracle.RETAIL_COLUMNS, ("country", "VARCHAR")),
                oracle.read_pyarrow(str(tmp_path), oracle.RETAIL_COLUMNS, ("country", pa.string())),
                *([oracle.read_spark(str(tmp_path), oracle.RETAIL_COLUMNS)] if SOAK else [])):
        oracle.compare(oracle.RETAIL_COLUMNS, rows, got, rms_max=0, worst_max=0)


@pytest.mark.parametrize("partitions", [1, 3])
def test_a_right_lake_passes_and_wrong_ones_do_not(tmp_path, partitions):
    known = retail_data.generate(5000, partitions, 9, future=partitions > 1, dirt=4)
    known.in_kafka = partitions > 1
    rows = write_lake(tmp_path, known)
    conftest.check_retail(tmp_path, known)

    def refused(complaint):
        with pytest.raises(AssertionError, match=complaint):
            conftest.check_retail(tmp_path, known)

    tables = {name: tmp_path / "lake" / name / "part-0.parquet" for name in ("events_bad", "events_late")}
    for name, file in tables.items():
        whole = file.read_bytes()
        table = pa.parquet.read_table(file)
        pa.parquet.write_table(table.slice(1), file)
        refused(f"{name}: 1 of .* missing")
        pa.parquet.write_table(pa.concat_tables([table, table.slice(0, 1)]), file)
        refused(f"{name}: .* 1 too many")
        file.write_bytes(whole)
    stray = tmp_path / "lake" / "segment_metrics" / "country=IN" / "part-0.parquet.part"
    stray.write_bytes(b"")
    with pytest.raises((AssertionError, pa.ArrowInvalid)):
        conftest.check_retail(tmp_path, known)
    stray.unlink()
    write_metrics(tmp_path / "lake" / "segment_metrics" / "again", rows[:1])
    refused("rows instead of")


def test_examples_can_be_changed(tmp_path):
    """The words that other tests replace stand in the examples."""
    conftest.example("sensors", tmp_path, test_sensors.TO_PARQUET)
    conftest.example("sensors", tmp_path, ("truncate 'false'", "truncate 'false', rows '1'"))
    conftest.example("retail", tmp_path, *test_kill.SQL_CHANGES, ("format 'json',", "format 'json', x 'y',"))
    with pytest.raises(AssertionError, match="stands 0 times"):
        conftest.example("retail", tmp_path, ("no such words", ""))


def test_kafka_holds_what_was_produced(kafka, topic):
    known = retail_data.generate(20_000, 3, 6, future=True)
    assert kafka.produce(topic, known.lines) == 20_000
    consumer = Consumer({"bootstrap.servers": kafka.address, "group.id": "x", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, p, 0) for p in range(3)])
    got, ends = [[], [], []], 0
    while ends < 3:
        for message in consumer.consume(1000, 10):
            if message.error() is None:
                assert message.offset() == len(got[message.partition()])
                got[message.partition()].append(message.value())
            else:
                assert message.error().code() == KafkaError._PARTITION_EOF
                ends += 1
    consumer.close()
    assert got == known.lines


def test_console_tables_are_read():
    shown = conftest.console_rows(
        "-----\nBatch: 4\n-----\n+---+----+\n|id |avg |\n+---+----+\n|3  |45.2|\n|1  |58.0|\n+---+----+\n\n"
        "-----\nBatch: 5\n-----\n+---+----+\n|id |avg |\n+---+----+\n|3  |46.0|\n+---+----+\n")
    assert shown == [{"id": "3", "avg": "45.2"}, {"id": "1", "avg": "58.0"}, {"id": "3", "avg": "46.0"}]
