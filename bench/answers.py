"""What each input must yield, computed by DuckDB, and the comparison. A result that is wrong has no figure."""

import glob
import os
import sys

import duckdb

from common import ROOT, Failure

sys.path.append(os.path.join(ROOT, "tests", "e2e"))  # At the end: it has modules of the same names.

import oracle  # noqa: E402

DELAY_US = oracle.DELAY_US
_RETAIL_FIELDS = """event_id: 'VARCHAR', user_id: 'INT', product_id: 'INT', amount: 'DOUBLE', country: 'VARCHAR',
                    event_time: 'VARCHAR'"""
_WIDE_FIELDS = """"at": 'VARCHAR', user_id: 'BIGINT', country: 'VARCHAR', status: 'INT', amount: 'DOUBLE',
                  latency_ms: 'INT', host: 'VARCHAR', quantity: 'INT'"""
_kept = {}  # (what, path) -> answer: runs of one input share it.


def _once(key, make):
    if key not in _kept:
        _kept[key] = make()
    return _kept[key]


def _connect():
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    return con


def _json(path, fields):
    return f"read_json('{path}', format = 'newline_delimited', columns = {{{fields}}})"


def good(given):
    """The retail events, of copies one: they are exact, so it does not matter which of them stays."""
    return _once(("good", given.path), lambda: _connect().execute(
        f"""SELECT DISTINCT ON (event_id) event_id, user_id, product_id, amount, country,
                   epoch_us(event_time::TIMESTAMPTZ) AS event_us, NULL::BIGINT AS watermark_us
            FROM {_json(given.path, _RETAIL_FIELDS)}""").fetch_arrow_table())


def retail(given, closed=False):
    """closed: only windows that the watermark has closed, as after Spark's available-now."""
    def make():
        rows = good(given)
        last = duckdb.sql("SELECT max(event_us) FROM rows").fetchone()[0]
        return oracle.retail_expected(rows, last - DELAY_US if closed else None)
    return _once(("retail", given.path, closed), make)


def retail_partitions(given):
    """What a pipeline that goes on has written when it has read all: windows closed in the slowest partition."""
    def make():
        ends = [_connect().execute(f"""SELECT max(epoch_us(event_time::TIMESTAMPTZ))
                                       FROM {_json(f'{given.path}.{p}', _RETAIL_FIELDS)}""").fetchone()[0]
                for p in range(given.partitions)]
        return oracle.retail_expected(good(given), min(ends) - DELAY_US)
    return _once(("retail-partitions", given.path), make)


def compare(got, columns, want, **limits):
    expected = [tuple(row[oracle.RETAIL_COLUMNS.index(c)] for c in columns) for row in want]
    try:
        oracle.compare(columns, expected, got, **limits)
    except AssertionError as error:
        raise Failure(f"wrong output: {error}") from None


def check_retail(out, given):
    want = retail(given)
    compare(oracle.read_duckdb(out, oracle.RETAIL_COLUMNS, ("country", "VARCHAR")), oracle.RETAIL_COLUMNS, want)
    return len(want)


def _equal(what, want, got):
    if want != got:
        raise Failure(f"wrong output: {what}: {str(got)[:300]} instead of {str(want)[:300]}")


def _parquet(out):
    if not glob.glob(os.path.join(out, "**", "*.parquet"), recursive=True):
        raise Failure(f"no rows in {out}")
    return f"read_parquet('{out}/**/*.parquet', hive_partitioning = false)"


def check_stateless(out, given):
    """All rows as a multiset: their number, and the sum of a hash of each."""
    sums = """SELECT count(*), sum(hash(event_id, user_id, product_id, amount, country, epoch_us(moment))::HUGEINT),
                     sum(user_id) FROM ({})"""
    want = _once(("stateless", given.path), lambda: _connect().execute(sums.format(
        f"""SELECT event_id, user_id, product_id, amount, coalesce(upper(country), 'UNKNOWN') AS country,
                   event_time::TIMESTAMPTZ AS moment
            FROM {_json(given.path, _RETAIL_FIELDS)} WHERE amount >= 250""")).fetchone())
    got = _connect().execute(sums.format(
        f"SELECT event_id, user_id, product_id, amount, country, event_time AS moment FROM {_parquet(out)}")).fetchone()
    _equal("rows, hash, sum", want, got)
    return got[0]


def check_wide(out, given):
    want = _once(("wide", given.path), lambda: _connect().execute(
        f"""SELECT epoch_us(time_bucket(INTERVAL 1 MINUTE, "at"::TIMESTAMPTZ)) AS start, country, status, count(*),
                   sum(user_id), sum(amount), max(latency_ms), count(host), min(quantity)
            FROM {_json(given.path, _WIDE_FIELDS)}
            GROUP BY ALL ORDER BY ALL""").fetchall())
    got = _connect().execute(
        f"""SELECT epoch_us(window_start), country, status, events, users, amount, latency_max, hosts, quantity_min
            FROM {_parquet(out)} ORDER BY ALL""").fetchall()
    _equal("rows", len(want), len(got))
    for a, b in zip(want, got):  # The amounts are quarters: their sums are exact.
        _equal("row", a, b)
    return len(got)


def check_distinct(out, given, by_duckdb):
    """Ids and the sum of n. by_duckdb: the generator's own count of them is checked too."""
    got = _connect().execute(f"SELECT sum(ids)::BIGINT, sum(total)::BIGINT FROM {_parquet(out)}").fetchone()
    want = (given.facts["ids"], given.facts["n"])
    if by_duckdb:
        counted = _once(("distinct", given.path), lambda: _connect().execute(
            f"""SELECT count(*), sum(n)::BIGINT FROM (
                SELECT DISTINCT id, n FROM {_json(given.path, "id: 'VARCHAR', n: 'BIGINT'")})""").fetchone())
        _equal("generator's ids and sum", counted, want)
    _equal("ids and sum", want, got)
    return got[0]


def check_aside(data, table="events"):
    """No input of these has bad or late rows."""
    for name in (f"{table}_bad", f"{table}_late"):
        if oracle.files(os.path.join(data, "lake", name)):
            raise Failure(f"rows in {name}")
