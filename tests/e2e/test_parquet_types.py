"""Every type in Parquet, nested ones too: what goes in as JSON, DuckDB and pyarrow read back the same."""

import datetime
import decimal
import glob
import json
import os
import random
import uuid

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import lake, millrace, settings, size

ROWS = size(5_000, 200_000)

# SQL type, Arrow's type, and a maker of JSON values.
TYPES = {
    "b": ("boolean", pa.bool_(), lambda d: d.random() < 0.5),
    "i2": ("smallint", pa.int16(), lambda d: d.choice([-32768, 32767, 0, d.randint(-99, 99)])),
    "i4": ("int", pa.int32(), lambda d: d.choice([-2**31, 2**31 - 1, d.randint(-9, 9)])),
    "i8": ("bigint", pa.int64(), lambda d: d.choice([-2**63, 2**63 - 1, d.randint(-9, 9)])),
    "f4": ("real", pa.float32(), lambda d: d.choice([0.0, 1.5, -2.25, 2.0**100, d.randint(-999, 999) / 8])),
    "f8": ("double precision", pa.float64(), lambda d: d.choice([0.0, 1e300, d.uniform(-1, 1)])),
    "n4": ("numeric(4,1)", pa.decimal128(4, 1), lambda d: f"{d.randint(-9999, 9999) / 10:.1f}"),
    "n18": ("numeric(18,6)", pa.decimal128(18, 6), lambda d: f"{d.randint(-10**17, 10**17)}e-6"),
    "n38": ("numeric(38,10)", pa.decimal128(38, 10),
            lambda d: f"{d.choice(['-', ''])}{d.randint(0, 10**27)}.{d.randint(0, 10**10 - 1):010}"),
    "t": ("text", pa.string(), lambda d: "".join(d.choice("abß\u20ac\"\\") for _ in range(d.randint(0, 9)))),
    "u": ("uuid", None, lambda d: str(uuid.UUID(int=d.getrandbits(128)))),
    "d": ("date", pa.date32(), lambda d: str(datetime.date(1960, 1, 1) + datetime.timedelta(days=d.randint(0, 40000)))),
    "tm": ("time", pa.time64("us"), lambda d: str(datetime.time(d.randint(0, 23), 5, 7, d.randint(0, 999999)))),
    "ts": ("timestamp", pa.timestamp("us"), lambda d: f"20{d.randint(10, 30)}-05-06T07:08:09.{d.randint(0, 999999):06}"),
    "tz": ("timestamptz", pa.timestamp("us", tz="UTC"), lambda d: f"20{d.randint(10, 30)}-05-06T07:08:09Z"),
    "j": ("jsonb", None, lambda d: d.choice([{"a": [1, None]}, "x", 5, [], True])),
    "li": ("int[]", pa.list_(pa.int32()), lambda d: [d.choice([None, d.randint(0, 9)]) for _ in range(d.randint(0, 5))]),
    "lt": ("text[]", pa.list_(pa.string()), lambda d: [d.choice(["", "aa", None]) for _ in range(d.randint(0, 3))]),
    "s": ("point", None, lambda d: {"x": d.choice([None, d.randint(0, 5)]), "name": d.choice(["p", None])}),
    "ls": ("point[]", None,
           lambda d: [d.choice([None, {"x": d.randint(0, 5), "name": "q"}]) for _ in range(d.randint(0, 3))]),
    "ss": ("shape", None, lambda d: {"at": d.choice([None, {"x": 1, "name": None}]),
                                     "tags": [d.choice(["a", None]) for _ in range(d.randint(0, 2))],
                                     "cells": [[d.randint(0, 3)] * d.randint(0, 2) for _ in range(d.randint(0, 2))]}),
}


def rows_of(seed):
    dice = random.Random(seed)
    rows = []
    for at in range(ROWS):
        row = {"id": at}
        for name, (_, _, make) in TYPES.items():
            row[name] = None if dice.random() < 0.15 else make(dice)
        rows.append(row)
    return rows


def write(path, rows):
    with open(path, "w", encoding="utf-8") as out:
        for row in rows:
            line = json.dumps(row, ensure_ascii=False)
            for name in ("n4", "n18", "n38"):  # As numbers, digit by digit.
                if row[name] is not None:
                    line = line.replace(f'"{name}": "{row[name]}"', f'"{name}": {row[name]}')
            out.write(line + "\n")


@pytest.mark.parametrize("compression, workers", [("zstd", 2), ("none", 1)])
def test_read_back(tmp_path, compression, workers):
    rows = rows_of(5)
    write(tmp_path / "rows.jsonl", rows)
    columns = ", ".join(f"{name} {kind}" for name, (kind, _, _) in TYPES.items())
    (tmp_path / "types.sql").write_text(f"""
CREATE TYPE point AS (x int, name text);
CREATE TYPE shape AS (at point, tags text[], cells int[][]);
CREATE SERVER files FOREIGN DATA WRAPPER file;
CREATE SERVER lake FOREIGN DATA WRAPPER parquet OPTIONS (path 'data/lake');
CREATE FOREIGN TABLE rows (id bigint NOT NULL, {columns}) SERVER files OPTIONS (path 'rows.jsonl', format 'json');
CREATE FOREIGN TABLE typed () SERVER lake OPTIONS (path 'typed', compression '{compression}', row_group_rows '1500');
INSERT INTO typed SELECT * FROM rows;
""")
    data = tmp_path / "data"
    millrace("run", "types.sql", "--until", "end", "--data", data, *settings(workers=workers, chunk_bytes=65536),
             cwd=tmp_path)
    assert not glob.glob(f"{lake(data, 'rows_bad')}/*"), "no row is bad"
    files = sorted(glob.glob(f"{lake(data, 'typed')}/*.parquet"))
    arrow = pa.concat_tables([pq.read_table(file) for file in files])
    for name, (_, kind, _) in TYPES.items():
        if kind is not None and not pa.types.is_list(kind):
            assert arrow.schema.field(name).type == kind, name
    by_arrow = {row["id"]: row for row in arrow.to_pylist()}
    found = duckdb.sql(f"SELECT * FROM read_parquet('{lake(data, 'typed')}/*.parquet')")
    by_duckdb = {row["id"]: row for row in found.fetch_arrow_table().to_pylist()}
    assert dict(zip(found.columns, map(str, found.types)))["n38"] == "DECIMAL(38,10)"
    assert dict(zip(found.columns, map(str, found.types)))["u"] == "UUID"
    assert len(by_arrow) == len(by_duckdb) == ROWS
    for row in rows:
        for name in TYPES:
            want = plain(name, row[name])
            assert plain(name, by_arrow[row["id"]][name]) == want, (name, "pyarrow", row["id"])
            assert plain(name, by_duckdb[row["id"]][name]) == want, (name, "DuckDB", row["id"])
    for file in files:
        check_statistics(file)


def plain(name, value):
    """A value of JSON, Arrow or DuckDB in one form."""
    if value is None:
        return None
    if name in ("n4", "n18", "n38"):
        return decimal.Decimal(str(value))
    if name == "u":
        return value.hex() if isinstance(value, bytes) else uuid.UUID(str(value)).bytes.hex()
    if name == "j":
        return json.loads(value) if isinstance(value, str) and value[:1] in '{["tf0123456789' and value != "x" else value
    if name == "tm":
        return datetime.time.fromisoformat(str(value)).isoformat()
    if name in ("ts", "tz", "d"):
        text = str(value).replace(" ", "T").replace("+00:00", "").rstrip("Z")
        return datetime.datetime.fromisoformat(text.split("+")[0]).isoformat()
    return value


def check_statistics(file):
    """Of each row group, by what is in it: what readers skip by must be true."""
    parquet = pq.ParquetFile(file)
    for group in range(parquet.num_row_groups):
        table = parquet.read_row_group(group)
        for at in range(parquet.metadata.num_columns):
            chunk = parquet.metadata.row_group(group).column(at)
            stats = chunk.statistics
            if stats is None or not stats.has_min_max or "." in chunk.path_in_schema:
                continue
            values = [v for v in table.column(chunk.path_in_schema).to_pylist() if v is not None]
            if chunk.path_in_schema in ("u", "j"):
                continue
            assert stats.min <= min(values) and stats.max >= max(values), chunk.path_in_schema
            assert stats.null_count == table.num_rows - len(values)
