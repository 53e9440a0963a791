"""Files of the Parquet writer as DuckDB and pyarrow read them: values, statistics, pushed filters.

    parquet_readback.py PARQUET_DUMP [FILES [SEED]]

PARQUET_DUMP writes a file of random schema and values for each seed, with the same rows next to it
in millrace's own encoding. Both readers must give the same values, bit by bit; the statistics of
each row group are computed anew; filters that readers answer by skipping row groups must count
right. The same seed must give the same bytes. Ends with a line `N passed, N failed`.
"""

import array
import json
import math
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

FORMATS = {"boolean": "b", "integer": "i", "date": "i", "bigint": "q", "timestamp": "q",
           "timestamptz": "q", "double precision": "d"}
ARROW = {"boolean": pa.bool_(), "integer": pa.int32(), "bigint": pa.int64(),
         "double precision": pa.float64(), "text": pa.string(), "bytea": pa.binary(),
         "date": pa.date32(), "timestamp": pa.timestamp("us"),
         "timestamptz": pa.timestamp("us", tz="UTC")}
CODECS = {0: "UNCOMPRESSED", 1: "SNAPPY", 2: "ZSTD"}
STRINGS = ("text", "bytea")
STRING_STATED_MAX = 64
seen = set()


def expect(ok, what):
    if not ok:
        raise AssertionError(what)


def decode_rows(data, schema):
    """The encoding of src/column/rows.c. Doubles stay as their bits."""
    _, count = struct.unpack_from("<QQ", data, 0)
    at = 16
    columns = []
    for column in schema["columns"]:
        flag = data[at]
        at += 1
        valid = None
        if flag:
            bits = data[at:at + (count + 7) // 8]
            valid = [bits[i >> 3] >> (i & 7) & 1 for i in range(count)]
            at += len(bits)
        if column["type"] in STRINGS:
            total, = struct.unpack_from("<Q", data, at)
            lengths = array.array("I", data[at + 8:at + 8 + 4 * count])
            at += 8 + 4 * count
            end = at + total
            values = []
            for length in lengths:
                values.append(bytes(data[at:at + length]))
                at += length
            expect(at == end, "lengths of strings")
        else:
            form = FORMATS[column["type"]].replace("d", "q")
            size = struct.calcsize(form)
            values = list(array.array(form, data[at:at + size * count]))
            at += size * count
        columns.append([v if valid is None or valid[i] else None for i, v in enumerate(values)])
    expect(at == len(data), "bytes behind the rows")
    return count, columns


def bits_of(value):
    return struct.unpack("<q", struct.pack("<d", value))[0]


def double_of(bits):
    return struct.unpack("<d", struct.pack("<q", bits))[0]


def plain(column, name):
    """Values of an Arrow column in the form of decode_rows."""
    if name in ("timestamp", "timestamptz"):
        column = column.cast(pa.int64())
    elif name == "date":
        column = column.cast(pa.int32())
    elif name == "text":
        column = column.cast(pa.binary())
    values = column.to_pylist()
    if name == "double precision":
        return [None if v is None else bits_of(v) for v in values]
    if name == "boolean":
        return [None if v is None else int(v) for v in values]
    return values


def compare(who, table, schema, columns):
    expect(table.num_columns == len(columns), f"{who}: columns")
    for i, column in enumerate(schema["columns"]):
        got = plain(table.column(i), column["type"])
        if got != columns[i]:
            expect(len(got) == len(columns[i]), f"{who}: {column}: {len(got)} rows")
            row = next(r for r, (a, b) in enumerate(zip(got, columns[i])) if a != b)
            raise AssertionError(f"{who}: {column} row {row}: "
                                 f"{got[row]!r:.80} is not {columns[i][row]!r:.80}")


def stated(name, values):
    """The range that statistics must state, or None. Doubles as doubles."""
    values = [v for v in values if v is not None]
    if name == "double precision":
        values = [double_of(v) for v in values]
        if any(math.isnan(v) for v in values):
            seen.add("NaN hides the range")
            return None
    if not values:
        return None
    low, high = min(values), max(values)
    if name in STRINGS and max(len(low), len(high)) > STRING_STATED_MAX:
        seen.add("long string hides the range")
        return None
    return low, high


def raw_value(name, value):
    """A value of pyarrow's statistics in the form of decode_rows, doubles as doubles."""
    if name == "text":
        return value.encode()
    if name in ("timestamp", "timestamptz", "date"):
        return plain(pa.chunked_array([pa.array([value], ARROW[name])]), name)[0]
    return value


def check_statistics(path, schema, count, columns):
    meta = pq.ParquetFile(path).metadata
    expect(meta.num_rows == count, "rows in the footer")
    expect(meta.created_by == "millrace version 0.1.0", meta.created_by)
    limit = schema["group"] or 122880
    first = 0
    for g in range(meta.num_row_groups):
        group = meta.row_group(g)
        last = g == meta.num_row_groups - 1
        expect(group.num_rows <= limit and (last or group.num_rows == limit), "rows of a group")
        for i, column in enumerate(schema["columns"]):
            chunk = group.column(i)
            values = columns[i][first:first + group.num_rows]
            where = f"group {g} of {column}"
            expect(chunk.compression == CODECS[schema["compression"]], where)
            expect(chunk.num_values == len(values), f"{where}: values")
            stats = chunk.statistics
            expect(stats.null_count == values.count(None), f"{where}: null count")
            seen.add("dictionary" if chunk.has_dictionary_page else "plain")
            if chunk.has_dictionary_page and column["spread"] == 3:
                seen.add("dictionary given up")
            want = stated(column["type"], values)
            expect(stats.has_min_max == (want is not None), f"{where}: range {want}")
            if want is not None:
                got = raw_value(column["type"], stats.min), raw_value(column["type"], stats.max)
                expect(got == want, f"{where}: range {got} is not {want}")
                if column["type"] == "double precision" and 0.0 in got:
                    seen.add("zero in a range")
                    expect(got[0] != 0 or math.copysign(1, got[0]) < 0, f"{where}: +0.0 below")
                    expect(got[1] != 0 or math.copysign(1, got[1]) > 0, f"{where}: -0.0 above")
        first += group.num_rows
    expect(first == count, "rows in all groups")
    seen.add("row groups: " + ("many" if meta.num_row_groups > 1 else str(meta.num_row_groups)))


LITERAL = {"timestamp": "make_timestamp(?::BIGINT)", "date": "DATE '1970-01-01' + ?::INTEGER",
           "timestamptz": "make_timestamptz(?::BIGINT)", "boolean": "?::BOOLEAN",
           "bytea": "?::BLOB", "text": "?::VARCHAR", "integer": "?::INTEGER",
           "bigint": "?::BIGINT", "double precision": "?::DOUBLE"}


def order(name, value):
    """A key that sorts as DuckDB does: NaN equals itself and is above all numbers."""
    if name != "double precision":
        return value
    value = double_of(value)
    return (1, 0.0) if math.isnan(value) else (0, value)


def check_filters(con, path, schema, columns):
    for i, column in enumerate(schema["columns"]):
        name = column["type"]
        values = sorted((v for v in columns[i] if v is not None), key=lambda v: order(name, v))
        if not values:
            continue
        keys = [order(name, v) for v in values]
        for probe in {values[0], values[-1], values[len(values) // 2], values[len(values) // 9]}:
            key = order(name, probe)
            literal = probe.decode() if name == "text" else probe
            literal = double_of(probe) if name == "double precision" else literal
            counts = con.execute(
                f"SELECT (SELECT count(*) FROM read_parquet($p) WHERE {column['name']} = x),"
                .replace("= x", "= " + LITERAL[name].replace("?", "$v")) +
                f"(SELECT count(*) FROM read_parquet($p) WHERE {column['name']} < " +
                LITERAL[name].replace("?", "$v") +
                f"), (SELECT count(*) FROM read_parquet($p) WHERE {column['name']} >= " +
                LITERAL[name].replace("?", "$v") +
                f"), (SELECT count(*) FROM read_parquet($p) WHERE {column['name']} IS NULL)",
                {"p": str(path), "v": literal}).fetchone()
            want = (sum(k == key for k in keys), sum(k < key for k in keys),
                    sum(k >= key for k in keys), len(columns[i]) - len(values))
            expect(counts == want, f"filter on {column} by {literal!r:.80}: {counts} not {want}")


def check_file(con, dump, seed, folder):
    prefix = Path(folder) / f"f{seed}"
    subprocess.run([dump, str(seed), str(prefix)], check=True, timeout=300)
    path = prefix.with_suffix(".parquet")
    schema = json.loads(prefix.with_suffix(".json").read_text())
    count, columns = decode_rows(prefix.with_suffix(".rows").read_bytes(), schema)
    expect(count == schema["rows"], "rows kept")
    table = pq.read_table(path)
    for field, column in zip(table.schema, schema["columns"]):
        expect(field.name == column["name"] and field.type == ARROW[column["type"]], f"{field}")
        expect(field.nullable == (not column["required"]), f"{field} NULLs")
    compare("pyarrow", table, schema, columns)
    relation = con.execute("SELECT * FROM read_parquet($p)", {"p": str(path)})
    compare("DuckDB", relation.fetch_arrow_table(), schema, columns)
    check_statistics(path, schema, count, columns)
    check_filters(con, path, schema, columns)
    seen.add(CODECS[schema["compression"]])
    seen.update(c["type"] for c in schema["columns"])
    if seed % 8 == 0:
        again = Path(folder) / "again"
        subprocess.run([dump, str(seed), str(again)], check=True, timeout=300)
        expect(path.read_bytes() == again.with_suffix(".parquet").read_bytes(), "other bytes")
    for file in Path(folder).iterdir():
        file.unlink()


def main():
    dump = sys.argv[1]
    files = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    passed = failed = 0
    con = duckdb.connect()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + files):
            try:
                check_file(con, dump, seed, folder)
                passed += 1
            except Exception as error:  # Also what a reader throws at a file it cannot read.
                print(f"seed {seed}: {type(error).__name__}: {error}")
                failed += 1
    wanted = {"dictionary", "plain", "dictionary given up", "zero in a range", "row groups: 0",
              "row groups: 1", "row groups: many", "NaN hides the range",
              "long string hides the range", *CODECS.values(), *ARROW}
    if files >= 40:
        print("never seen:", ", ".join(sorted(wanted - seen)) or "nothing")
        passed, failed = passed + (wanted <= seen), failed + (not wanted <= seen)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
