"""What the pipelines must yield, computed by DuckDB from rows known to be good, and how to compare.

The windows are a join with a range of starts, so nothing here resembles a streaming engine. The zone is a
fixed shift, the sum is DuckDB's compensated one, the distinct count is exact. Times are microseconds since
1970 UTC everywhere.
"""

import datetime
import glob
import json
import math
import os
import subprocess

import duckdb
import pyarrow as pa
import pyarrow.dataset

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DIM = os.path.join(ROOT, "examples", "retail", "dim")
KOLKATA_MINUTES = 330

RETAIL_SIZE_US = 60_000_000
RETAIL_SLIDE_US = 30_000_000
SENSORS_SIZE_US = 10_000_000
DELAY_US = 30_000_000

# Columns whose values may differ, and by how much.
FLOAT_RELATIVE = 1e-12
FLOATS = {"total_amount", "avg_value"}
APPROXIMATE = {"unique_events"}

RETAIL_COLUMNS = ["window_start", "window_end", "event_date", "country", "segment", "max_event_time",
                  "total_amount", "unique_events"]


def retail_expected(good, closed_at_us=None):
    """The retail result.

    good          DuckDB relation: event_id user_id amount country event_us watermark_us
                  (watermark_us: that of the row's partition before the row, NULL when there was none)
    closed_at_us  only windows that end at or before it; None: all, as after --until end
    ret           rows as tuples in the order of RETAIL_COLUMNS
    """
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.register("good", good)
    con.execute("CREATE TABLE users AS SELECT * FROM read_csv(?, header=true)", [os.path.join(DIM, "users.csv")])
    con.execute("CREATE TABLE products AS SELECT * FROM read_csv(?, header=true)",
                [os.path.join(DIM, "products.csv")])
    return con.execute(f"""
        WITH enriched AS (
            SELECT g.event_id, coalesce(g.amount, 0.0) AS amount, coalesce(upper(g.country), 'UNKNOWN') AS country,
                   u.segment, g.event_us, g.watermark_us
            FROM good g LEFT JOIN users u USING (user_id) LEFT JOIN products p USING (product_id)),
        starts AS (
            SELECT unnest(range((SELECT min(event_us) // {RETAIL_SLIDE_US} - 2 FROM enriched) * {RETAIL_SLIDE_US},
                                (SELECT max(event_us) + 1 FROM enriched), {RETAIL_SLIDE_US})) AS start_us)
        SELECT start_us, start_us + {RETAIL_SIZE_US},
               (make_timestamp(start_us + {RETAIL_SIZE_US}) + INTERVAL {KOLKATA_MINUTES} MINUTES)::DATE,
               country, segment, max(event_us), fsum(amount), count(DISTINCT event_id)
        FROM enriched JOIN starts ON event_us >= start_us AND event_us < start_us + {RETAIL_SIZE_US}
        WHERE (watermark_us IS NULL OR watermark_us < start_us + {RETAIL_SIZE_US})
          AND start_us + {RETAIL_SIZE_US} <= {2**62 if closed_at_us is None else closed_at_us}
        GROUP BY start_us, country, segment""").fetchall()


SENSORS_COLUMNS = ["window_start", "window_end", "id", "avg_value"]


def sensors_expected(good):
    """The averages of the sensors example. good: DuckDB relation id value event_us watermark_us."""
    con = duckdb.connect()
    con.register("good", good)
    return con.execute(f"""
        WITH starts AS (
            SELECT unnest(range((SELECT min(event_us) // {SENSORS_SIZE_US} - 1 FROM good) * {SENSORS_SIZE_US},
                                (SELECT max(event_us) + 1 FROM good), {SENSORS_SIZE_US})) AS start_us)
        SELECT start_us, start_us + {SENSORS_SIZE_US}, id, fsum(value) / count(value)
        FROM good JOIN starts ON event_us >= start_us AND event_us < start_us + {SENSORS_SIZE_US}
        WHERE watermark_us IS NULL OR watermark_us < start_us + {SENSORS_SIZE_US}
        GROUP BY start_us, id""").fetchall()


# ---- comparing -----------------------------------------------------------------------------------


def _sortable(value):
    return (value is None, 0 if value is None else value)


def compare(columns, expected, got, rms_max=0.01, worst_max=0.05):
    """Compares two multisets of rows; raises AssertionError with the first differences.

    Floats may differ by FLOAT_RELATIVE. Approximate counts may differ by worst_max each and by rms_max as
    the root of the mean square. All else must be equal.
    """
    exact = [i for i, c in enumerate(columns) if c not in FLOATS and c not in APPROXIMATE]
    loose = [i for i, c in enumerate(columns) if c in FLOATS or c in APPROXIMATE]

    def key(row):
        return tuple(_sortable(row[i]) for i in exact + loose)

    a, b = sorted(expected, key=key), sorted(got, key=key)
    faults, squares = [], []
    if len(a) != len(b):
        faults.append(f"{len(b)} rows instead of {len(a)}")
        faults += _unmatched(exact, a, b)
    else:
        for want, have in zip(a, b):
            for i in exact:
                if want[i] != have[i]:
                    faults.append(f"{columns[i]}: {have[i]!r} instead of {want[i]!r} in {want}")
            for i in loose:
                if want[i] is None or have[i] is None:
                    if want[i] is not have[i]:
                        faults.append(f"{columns[i]}: {have[i]!r} instead of {want[i]!r} in {want}")
                elif columns[i] in FLOATS:
                    if not math.isclose(want[i], have[i], rel_tol=FLOAT_RELATIVE, abs_tol=0.0):
                        faults.append(f"{columns[i]}: {have[i]!r} instead of {want[i]!r} in {want}")
                else:
                    error = (have[i] - want[i]) / want[i] if want[i] else float(have[i] != want[i])
                    squares.append(error * error)
                    if abs(error) > worst_max:
                        faults.append(f"{columns[i]}: {have[i]} is {error:+.1%} off {want[i]} in {want}")
    if squares and not faults:
        rms = math.sqrt(sum(squares) / len(squares))
        if rms > rms_max:
            faults.append(f"approximate counts are {rms:.2%} off (root mean square)")
    assert not faults, "\n".join([f"{len(faults)} differences, the first:"] + faults[:10])


def _unmatched(exact, expected, got):
    counts = {}
    for sign, rows in ((1, expected), (-1, got)):
        for row in rows:
            k = tuple(row[i] for i in exact)
            counts[k] = counts.get(k, 0) + sign
    missing = [k for k, n in counts.items() if n > 0]
    extra = [k for k, n in counts.items() if n < 0]
    return [f"{len(missing)} keys missing: {missing[:3]}", f"{len(extra)} keys too many: {extra[:3]}"]


# ---- reading the output back ---------------------------------------------------------------------


def files(path):
    """The Parquet files that a reader who globs would find."""
    return sorted(glob.glob(os.path.join(path, "**", "*.parquet"), recursive=True))


def read_duckdb(path, columns, partition=None):
    """Rows of a Parquet table as tuples; times as microseconds. partition: (name, DuckDB type)."""
    if not files(path):
        return []
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    hive = f", hive_partitioning = true, hive_types = {{'{partition[0]}': {partition[1]}}}" if partition else \
        ", hive_partitioning = false"
    relation = f"read_parquet('{path}/**/*.parquet'{hive})"
    types = dict(con.execute(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {relation})").fetchall())
    picked = ", ".join(
        f'epoch_us("{c}")' if types[c].startswith("TIMESTAMP") else f'"{c}"' for c in columns)
    return con.execute(f"SELECT {picked} FROM {relation}").fetchall()


def read_pyarrow(path, columns, partition=None):
    """The same by pyarrow. partition: (name, pyarrow type)."""
    if not files(path):
        return []
    hive = pa.dataset.partitioning(pa.schema([partition]), flavor="hive") if partition else None
    table = pa.dataset.dataset(path, format="parquet", partitioning=hive).to_table(columns=columns)
    out = []
    for column in table.columns:
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
        out.append(column.to_pylist())
    return list(zip(*out))


SPARK_READ = """
import json, sys
from pyspark.sql import SparkSession, functions as F
path, columns = sys.argv[1], sys.argv[2].split(",")
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false") \\
    .config("spark.sql.session.timeZone", "UTC") \\
    .config("spark.sql.sources.partitionColumnTypeInference.enabled", sys.argv[3]).getOrCreate()
df = spark.read.parquet(path)
types = dict(df.dtypes)
picked = [F.unix_micros(c) if types[c].startswith("timestamp") else F.col(c).cast("string") if types[c] == "date"
          else F.col(c) for c in columns]
for row in df.select(*picked).toLocalIterator():
    print("ROW " + json.dumps(list(row)))
"""


def read_spark(path, columns, infer_partition_type=False):
    """The same by Spark, in a process of its own."""
    python = os.path.join(ROOT, "build", "deps", "venv-bench", "bin", "python")
    done = subprocess.run([python, "-c", SPARK_READ, path, ",".join(columns), str(infer_partition_type).lower()],
                          capture_output=True, text=True, timeout=300,
                          env=dict(os.environ, LC_ALL="C.UTF-8"))  # Else Java cannot open names beyond ASCII.
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-2000:])
    rows = []
    for line in done.stdout.splitlines():
        if line.startswith("ROW "):
            row = json.loads(line[4:])
            rows.append(tuple(
                datetime.date.fromisoformat(v) if c == "event_date" else v for c, v in zip(columns, row)))
    return rows
