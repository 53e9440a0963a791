"""Every aggregate over windows of random rows, against DuckDB over the same rows.

The same result is asked of one worker and of four, of tiny batches, and of a life that ends after
every epoch, so that states are merged, stored and read back in every way.
"""

import datetime
import json
import math
import random

import duckdb
import pytest

from conftest import lake, millrace, settings, size, to_the_end

ROWS = size(6_000, 1_000_000)
START = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)

# (expression here, expression in DuckDB or None for the same, how it is compared)
AGGREGATES = [
    ("count(*)", None, "exact"),
    ("count(x)", None, "exact"),
    ("count(DISTINCT s)", None, "exact"),
    ("count(DISTINCT i) FILTER (WHERE b)", None, "exact"),
    ("count_if(x > 0)", None, "exact"),
    ("sum(i)", "sum(i)::bigint", "exact"),
    ("sum(DISTINCT i)", "sum(DISTINCT i)::bigint", "exact"),
    ("sum(x)", None, "close"),
    ("sum(x) FILTER (WHERE b)", None, "close"),
    ("sum(n)", None, "exact"),
    ("avg(n)", None, "close"),
    ("avg(x)", None, "close"),
    ("avg(i)", None, "close"),
    ("min(x)", None, "exact"),
    ("max(s)", None, "exact"),
    ("min(n)", None, "exact"),
    ("max(d)", None, "exact"),
    ("min(u)", None, "exact"),
    ("arg_min(s, y)", None, "exact"),
    ("arg_max(s, y)", None, "exact"),
    ("max_by(n, y)", None, "exact"),
    ("first(s ORDER BY y)", None, "exact"),
    ("last(s ORDER BY y)", None, "exact"),
    ("last(i ORDER BY b DESC, y)", None, "exact"),
    ("first(x ORDER BY s NULLS FIRST, y DESC)", None, "exact"),
    ("any_value(s ORDER BY y)", None, "exact"),
    ("bool_and(b)", None, "exact"),
    ("bool_or(b)", None, "exact"),
    ("bit_and(i)", None, "exact"),
    ("bit_or(i)", None, "exact"),
    ("bit_xor(i)", None, "exact"),
    ("stddev(x)", None, "close"),
    ("stddev_pop(x)", None, "close"),
    ("variance(x)", None, "close"),
    ("var_pop(i)", None, "close"),
    ("covar_samp(x, y)", None, "close"),
    ("covar_pop(x, y)", None, "close"),
    ("corr(x, y)", None, "close"),
    ("string_agg(s, ';' ORDER BY y)", None, "exact"),
    ("string_agg(s, ', ' ORDER BY y DESC) FILTER (WHERE b)", None, "exact"),
    ("string_agg(DISTINCT s ORDER BY s)", "string_agg(DISTINCT s, ',' ORDER BY s)", "exact"),
    ("array_agg(i ORDER BY y)", None, "exact"),
    ("array_agg(DISTINCT s ORDER BY s DESC)", None, "exact"),
    ("array_agg(d ORDER BY y) FILTER (WHERE x > 50)", None, "exact"),
    ("median(x)", None, "close"),
    ("quantile_cont(x, 0.9)", None, "close"),
    ("percentile_cont(0.25) WITHIN GROUP (ORDER BY x DESC)", "quantile_cont(x, 0.75)", "close"),
    ("quantile_disc(x, 0.3)", None, "exact"),
    ("quantile_disc(s, 0.5)", None, "exact"),
    ("approx_quantile(x, 0.5)", "quantile_disc(x, 0.5)", "half a percent"),
    ("approx_quantile(x, 0.99)", "quantile_disc(x, 0.99)", "half a percent"),
    ("approx_quantile(d, 0.5)", "quantile_disc(d, 0.5)", "exact"),
    ("approx_count_distinct(y)", "count(DISTINCT y)", "sketch"),
]



def never(call):
    """The call over no row of a group."""
    head, cast, kind = (call or "").partition("::")
    return f"{head} FILTER (WHERE y < 0){cast}{kind}" if head else None


# The same over no rows at all; of the values alone that are NULL there are groups of rows.
AGGREGATES += [(never(here), never(there), how) for here, there, how in AGGREGATES if "FILTER" not in here]

COLUMNS = {"g": "text", "x": "double precision", "y": "double precision", "i": "int", "b": "boolean", "s": "text",
           "n": "numeric(12,2)", "d": "date", "u": "uuid"}


def make_rows(seed):
    dice = random.Random(seed)
    rows = []
    for at in range(ROWS):
        def maybe(value):
            return None if dice.random() < 0.1 else value
        row = {
            "ts": (START + datetime.timedelta(seconds=at * 3600 * 4 / ROWS)).isoformat(),
            "g": maybe(dice.choice(["a", "b", "ç", "dd", ""])),
            "x": maybe(round(dice.uniform(-100, 100), dice.randint(0, 9))),
            "y": at + dice.random() / 2,  # Never twice, so that orders are complete.
            "i": maybe(dice.randint(-50, 50)),
            "b": maybe(dice.random() < 0.5),
            "s": maybe("".join(dice.choice("abé,;\"'x") for _ in range(dice.randint(0, 3)))),
            "n": maybe(dice.randint(-10**9, 10**9) / 100),
            "d": maybe(f"2026-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"),
            "u": maybe(f"{dice.getrandbits(128):032x}"[:8] + "-0000-4000-8000-" + f"{dice.randint(0, 9):012}"),
        }
        if at % 50 == 49:
            row.update(dict.fromkeys(COLUMNS.keys() - {"g", "y"}), g="only NULLs")
        rows.append(row)
    rows[7]["s"] = "a\0b"
    return rows


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    rows = make_rows(41)
    folder = tmp_path_factory.mktemp("aggregates")
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return folder, path


def pipeline(folder, path):
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    results = ",\n  ".join(f"{here} AS a{at}" for at, (here, _, _) in enumerate(AGGREGATES))
    sql = folder / "aggregates.sql"
    sql.write_text(f"""
CREATE SERVER files FOREIGN DATA WRAPPER file;
CREATE SERVER out FOREIGN DATA WRAPPER jsonl OPTIONS (path 'data/lake');
CREATE FOREIGN TABLE rows ({columns}, ts timestamptz OPTIONS (watermark '1 minute'))
  SERVER files OPTIONS (path '{path}', format 'json');
CREATE FOREIGN TABLE results () SERVER out OPTIONS (path 'results');
INSERT INTO results SELECT window_start, g,
  {results}
FROM tumble(rows, ts, interval '1 hour') GROUP BY window_start, window_end, g;
""")
    return sql


def expected(path):
    db = duckdb.connect()
    db.execute("SET timezone = 'UTC'")
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in {**COLUMNS, "ts": "timestamptz"}.items())
    columns = columns.replace("double precision", "double")
    db.execute(f"CREATE TABLE rows AS SELECT * FROM read_json('{path}', format = 'nd', columns = {{{columns}}})")
    results = ", ".join(f"{there or here} AS a{at}" for at, (here, there, _) in enumerate(AGGREGATES))
    found = db.execute(f"SELECT epoch_us(date_trunc('hour', ts)) AS w, g, {results} FROM rows GROUP BY ALL").fetchall()
    return {row[:2]: row[2:] for row in found}


def plain(value):
    """A value of DuckDB as JSON has it."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, datetime.date):
        return value.isoformat()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return float(value) if type(value).__name__ == "Decimal" else str(value)


def agrees(how, want, got):
    if want is None or got is None:
        return want is None and got is None
    if how == "exact" and isinstance(got, str) and isinstance(want, float):
        return want == float(got)  # A numeric of many digits is text.
    if how == "exact":
        return want == got
    slack = {"close": 1e-9, "half a percent": 0.0051, "sketch": 0.05}[how]
    return math.isclose(want, got, rel_tol=slack, abs_tol=1e-9)


def check(data, path):
    got = {}
    for file in sorted((data / "lake" / "results").glob("*.jsonl")):
        for line in file.read_text().splitlines():
            row = json.loads(line)
            start = datetime.datetime.fromisoformat(row["window_start"].replace("Z", "+00:00"))
            key = (int(start.timestamp() * 1_000_000), row.get("g"))
            assert key not in got, f"{key} twice"
            got[key] = row
    want = expected(path)
    assert got.keys() == want.keys()
    for key, values in want.items():
        for at, value in enumerate(values):
            here, _, how = AGGREGATES[at]
            assert agrees(how, plain(value), got[key].get(f"a{at}")), \
                f"{here} of {key}: {plain(value)!r} by DuckDB, {got[key].get(f'a{at}')!r} here"


@pytest.mark.parametrize("how", [
    {"workers": 1},
    {"workers": 4, "batch_rows": 64, "chunk_bytes": 4096},
    {"workers": 2, "batch_rows": 3, "chunk_bytes": 4096},
], ids=["one worker", "four workers", "tiny batches"])
def test_as_duckdb(known, tmp_path, how):
    folder, path = known
    data = tmp_path / "data"
    millrace("run", pipeline(tmp_path, path), "--until", "end", "--data", data, *settings(**how), cwd=tmp_path)
    check(data, path)


def test_as_duckdb_over_many_lives(known, tmp_path):
    folder, path = known
    data = tmp_path / "data"
    sql = pipeline(tmp_path, path)
    lives = to_the_end(["run", sql, "--until", "end", "--data", data, "--progress", "json", *settings(
        workers=2, batch_rows=64, epoch_rows=max(ROWS // 40, 100), chunk_bytes=4096, stop_after_epochs=1)],
        cwd=tmp_path)
    assert len(lives) > 10
    check(data, path)
