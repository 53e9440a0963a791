#!/usr/bin/env python3
"""Random pipelines of millrace against the equivalent SELECT of DuckDB over the same rows.

    queries.py MILLRACE [--seeds 150] [--first 1] [--jobs 1]
    queries.py MILLRACE --seed N        repeats one, with its SQL
    queries.py MILLRACE --seed N --keep DIR    and leaves its files there

A seed makes a table over all types, its rows as JSON lines, a static table, views (projections, filters,
joins, DISTINCT ON) and one or two queries over them (rows, windows, aggregates), and the settings they
run with: workers, batch and chunk sizes, restarts after an epoch. At the end of input a table holds what
the SELECT gives: the same rows as a multiset. Doubles may differ by 1e-9 of their value (sums are added
in another order), reals by 1e-6, approx_* by their documented error; all else is equal.

Three seeds in four use expressions that cannot fail (integers carry a bound; what may fail is tried or
guarded), so that their bad table must stay empty. The fourth takes any expression in the last
projection: the rows in its bad table must be those that are an error in DuckDB, one by one.

Times of events run in order but for a jitter that the watermark allows, so no row is late, and windows
close while the pipeline runs. What is left out, and why, is the list LEFT_OUT. A failure prints seed, SQL
and differing rows, after a shrinker dropped the columns and clauses that it does not need.
"""
import argparse
import collections
import concurrent.futures
import datetime
import decimal
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile

import duckdb

HERE = os.path.dirname(os.path.abspath(__file__))
ROW_LIMIT = 300

# Functions of the table that no expression here uses, and why.
LEFT_OUT = {
    "strptime_zoned": "an inner name: strptime with %z",
    "try_strptime_zoned": "an inner name: try_strptime with %z",
    "like_escape": "an inner name: LIKE … ESCAPE",
    "ilike_escape": "an inner name: ILIKE … ESCAPE",
    "regexp_replace_all": "an inner name: regexp_replace with the option g",
    "octet_length": "DuckDB has it for blobs only; strlen is the same",
    "initcap": "PostgreSQL's; DuckDB has none",
    "encode": "its formats are PostgreSQL's; with one argument DuckDB's result is a blob",
    "decode": "its formats are PostgreSQL's",
    "#>": "PostgreSQL's paths in braces",
    "#>>": "PostgreSQL's paths in braces",
    "timezone": "both need a zone's file; tests/diff/eval_duckdb.py has it",
    "epoch": "of an interval DuckDB rounds months otherwise when it is a fraction; eval_duckdb.py has it",
    "url_decode": "gives bytes that are no UTF-8 as they are in DuckDB",
    "unhex": "gives bytes that are no UTF-8",
    "from_base64": "as unhex",
    "json_valid": "DuckDB takes NaN and Infinity for JSON",
    "json": "as json_valid",
    "lcm": "DuckDB wraps where it does not fit",
    "a numeric's cast to fewer digits behind the point": "DuckDB refuses values below the limit that round to it",
    "bit_count": "counts the width of its argument, and sign is a tinyint in DuckDB, an int here",
    "sin": "of 1e300: the two libm differ in the last bits, and large numbers are made of them",
    "times before year 1": "DuckDB truncates the centuries of timestamptz otherwise there",
    "tan": "as sin",
    "cos": "as sin",
    "cot": "as sin",
    "greatest and least of real": "-0.0 comes out as 0.0 in DuckDB, which atan2 sees",
    "-0.0 of real": "sorts in DuckDB, also those of DISTINCT ON, make it 0.0, which a cast to text shows",
    "positions of text": "substring, left and right of positions beyond 2^32 are errors in DuckDB",
    "the sign of NaN": "the processor gives 0/0 one, which DuckDB's text shows as -nan",
    "a JSON null": "is null in JSON lines, as NULL is",
    "date_trunc of a NULL date": "a timestamp in DuckDB when it is a constant, else a date: cast to date here",
    "what DuckDB's optimizer changes": "date_trunc(x) <> a constant is true of a NULL, (x + x) IS NULL does not fail "
                                       "where x + x does; with the optimizer off neither is so, which is asked then",
    "NULL constants beside what may fail": "DuckDB drops what is combined with NULL, with its error",
    "18 digits": "products of numerics end there in both, unless one argument has more",
}

# Digits of what is multiplied as a numeric.
PRODUCT_DIGITS = {"int": 10, "numeric(4, 1)": 4, "numeric(9, 3)": 9, "numeric(10, 2)": 10}


# ---- types -----------------------------------------------------------------------------------

class Type:
    """A SQL type: its name in DDL, and its family for the function table."""

    def __init__(self, family, name, top=0):
        self.family, self.name, self.top = family, name, top

    def __repr__(self):
        return self.name

    def __eq__(self, other):
        return self.name == other.name

    def __hash__(self):
        return hash(self.name)


BOOL = Type("BOOL", "boolean")
INT16 = Type("INT16", "smallint", 2 ** 15 - 1)
INT32 = Type("INT32", "int", 2 ** 31 - 1)
INT64 = Type("INT64", "bigint", 2 ** 63 - 1)
FLOAT32 = Type("FLOAT32", "real")
FLOAT64 = Type("FLOAT64", "double precision")
TEXT = Type("TEXT", "text")
UUID = Type("UUID", "uuid")
DATE = Type("DATE", "date")
TIME = Type("TIME", "time")
TIMESTAMP = Type("TIMESTAMP", "timestamp")
TIMESTAMPTZ = Type("TIMESTAMPTZ", "timestamptz")
JSON = Type("JSON", "json")
INTS = Type("LIST", "int[]")
TEXTS = Type("LIST", "text[]")
PAIR = Type("STRUCT", "pair")
INTERVAL = Type("INTERVAL", "interval")
NUMERICS = [Type("NUMERIC", f"numeric({p}, {s})") for p, s in ((4, 1), (9, 3), (10, 2), (18, 6), (38, 10))]
INTEGERS = [INT16, INT32, INT64]
PLAIN = [BOOL, INT16, INT32, INT64, FLOAT32, FLOAT64, TEXT, UUID, DATE, TIME, TIMESTAMP, TIMESTAMPTZ]
FAMILIES = {t.family: t for t in PLAIN + [JSON, INTERVAL]}
ALL = PLAIN + NUMERICS + [JSON, INTS, TEXTS, PAIR]


def numeric_of(t):
    p, s = re.findall(r"\d+", t.name)
    return int(p), int(s)


def quote(text):
    return "'" + text.replace("'", "''") + "'"


ALPHABET = ["a", "b", "A", "B", "é", "É", "漢", "😀", " ", "%", "_", "-", ".", "0", "1", "7", "'", '"', "\\", "ß"]
WORDS = ["", "a", "abc", "ABC", "x y", "12", "-7", "3.25", "true", "2026-01-31", "é", "漢字", "a%b", "null", " pad ",
         "2026-01-31 10:20:30", "1e3", "😀😀", "aaa", "{\"a\":1}"]


def make_text(r):
    if r.random() < 0.6:
        return r.choice(WORDS)
    return "".join(r.choice(ALPHABET) for _ in range(r.choice([1, 2, 3, 8, 20])))


def make_date(r, extremes=True):
    if extremes and r.random() < 0.1:
        return r.choice([datetime.date(200, 1, 1), datetime.date(9999, 12, 31), datetime.date(1970, 1, 1),
                         datetime.date(1969, 12, 31), datetime.date(2000, 2, 29), datetime.date(2100, 2, 28)])
    return datetime.date(1900, 1, 1) + datetime.timedelta(days=r.randrange(80000))


def make_json(r, depth=0):
    pick = r.random()
    if depth > 2 or pick < 0.5:
        return r.choice([None, True, False, 0, 1, -5, 123456789, 2.5, "", "a", "é漢", "x\"y", "1"])
    if pick < 0.75:
        return [make_json(r, depth + 1) for _ in range(r.randrange(4))]
    return {k: make_json(r, depth + 1) for k in r.sample(["a", "b", "é", "b c", "d"], r.randrange(4))}


def clock_text(r):
    us = r.choice([0, 0, 500000, 123456, 999999, r.randrange(10 ** 6)])
    s = r.choice([0, 86399, r.randrange(86400)])
    text = f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}"
    return text + (f".{us:06}" if us else "")


def make_value(r, t):
    """A value as (JSON text, literal of both dialects)."""
    f = t.family
    if f == "BOOL":
        v = r.choice(["true", "false"])
        return v, v
    if f in ("INT16", "INT32", "INT64"):
        v = r.choice([0, 1, -1, 2, t.top, -t.top - 1, r.randint(-10, 10), r.randint(-10, 10),
                      r.randint(-1000, 1000), r.randint(-t.top - 1, t.top)])
        return str(v), f"'{v}'::{t.name}"
    if f == "FLOAT32":
        v = r.choice([0.0, 1.5, -2.25, 0.1, 3.0e38, 1e-40, 16777216.0, r.uniform(-100, 100)])
        return repr(v), f"'{v!r}'::real"
    if f == "FLOAT64":
        v = r.choice([0.0, -0.0, 1.5, -2.5, 0.1, 1e308, -1e308, 5e-324, 1e15, 2.0 ** 53, r.uniform(-100, 100),
                      r.gauss(0, 1e6), float(r.randint(-5, 5))])
        return repr(v), f"'{v!r}'::double precision"
    if f == "NUMERIC":
        p, s = numeric_of(t)
        v = r.choice([0, 1, -1, 10 ** p - 1, 1 - 10 ** p, r.randint(-10 ** min(p, 5), 10 ** min(p, 5)),
                      r.randint(1 - 10 ** p, 10 ** p - 1)])
        text = f"{'-' if v < 0 else ''}{abs(v) // 10 ** s}.{abs(v) % 10 ** s:0{s}}"
        return text, f"'{text}'::{t.name}"
    if f == "TEXT":
        v = make_text(r)
        return json.dumps(v, ensure_ascii=r.random() < 0.5), quote(v)
    if f == "UUID":
        v = r.choice([0, 1, 2 ** 128 - 1, r.getrandbits(128), 2 ** 127])
        h = f"{v:032x}"
        text = f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
        return json.dumps(text), f"'{text}'::uuid"
    if f == "DATE":
        text = make_date(r).isoformat()
        return json.dumps(text), f"'{text}'::date"
    if f == "TIME":
        text = clock_text(r)
        return json.dumps(text), f"'{text}'::time"
    if f == "TIMESTAMP":
        text = f"{make_date(r).isoformat()} {clock_text(r)}"
        return json.dumps(text), f"'{text}'::timestamp"
    if f == "TIMESTAMPTZ":
        text = f"{make_date(r).isoformat()}T{clock_text(r)}Z"
        return json.dumps(text), f"'{text}'::timestamptz"
    if f == "JSON":
        text = json.dumps(make_json(r) or {}, ensure_ascii=False, separators=(",", ":"))
        return text, f"json({quote(text)})"
    if t is INTS or t is TEXTS:
        cells = [make_value(r, INT32 if t is INTS else TEXT) if r.random() < 0.8 else ("null", "NULL")
                 for _ in range(r.randrange(4))]
        return ("[" + ",".join(c[0] for c in cells) + "]",
                "[" + ",".join(c[1] for c in cells) + f"]::{t.name}")
    a, b = make_value(r, INT32), make_value(r, TEXT)
    return f'{{"a":{a[0]},"b":{b[0]}}}', f"{{'a': {a[1]}, 'b': {b[1]}}}::pair"


# ---- the function table ----------------------------------------------------------------------

Function = collections.namedtuple("Function", "id name flags result args")


def read_functions():
    folder = os.path.join(HERE, "..", "..", "src", "sql")
    found = []
    for name in sorted(os.listdir(folder)):
        if not re.match(r"function_list_(?!aggregate)", name):
            continue
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            text = re.sub(r"\\\n\s*", " ", file.read())
        for row in re.findall(r'\bX\((\w+), "((?:[^"\\]|\\.)*)", ([\w| ]+), (\w+), (\w+), (\w+), (\w+),', text):
            ident, name_, flags, result, *args = row
            args = [a for a in args if a != "NULLTYPE"]
            known = all(a in FAMILIES or a == "NUMERIC" for a in args + [result])
            if known and re.match(r"\w+$", name_) and name_ not in LEFT_OUT and args:
                found.append(Function(ident, name_, flags, result, args))
    return found


FUNCTIONS = read_functions()

# Arguments that are taken from a list: what they mean is only defined for these, or others cost too much.
UNITS = ["year", "quarter", "month", "week", "day", "decade", "century"]
CLOCK_UNITS = UNITS + ["hour", "minute", "second", "millisecond"]
TIME_UNITS = ["hour", "minute", "second"]
FORMATS = ["%Y-%m-%d", "%d.%m.%Y", "%Y/%j", "%A %-d %B", "%H:%M:%S.%f", "%y%m%d %I %p"]
PATTERNS = ["a", "[a-c]+", "(a|b)*", "^.a", "\\d+", "é|漢", ".*b$", "(a)(b)?"]
PATHS = ["a", "$.a", "$.a[0]", "$[0]", "/a/b", "b c", "é"]
LITERALS = {
    ("repeat", 1): ["0", "1", "2", "3", "-1"], ("lpad", 1): ["0", "3", "12"], ("rpad", 1): ["0", "3", "12"],
    ("lpad", 2): ["'x'", "'é*'"], ("rpad", 2): ["'x'", "'é*'"],
    ("chr", 0): ["97", "233", "28450"],
    ("regexp_matches", 1): [quote(p) for p in PATTERNS], ("regexp_full_match", 1): [quote(p) for p in PATTERNS],
    ("regexp_extract", 1): [quote(p) for p in PATTERNS], ("regexp_replace", 1): [quote(p) for p in PATTERNS],
    ("regexp_replace", 2): ["'x'", "''", "'<\\0>'"],
    ("strftime", 1): [quote(f) for f in FORMATS], ("strptime", 1): [quote(f) for f in FORMATS[:3]],
    ("try_strptime", 1): [quote(f) for f in FORMATS[:3]],
    ("json_value", 1): [quote(p) for p in PATHS], ("json_exists", 1): [quote(p) for p in PATHS],
    ("json_array_length", 1): [quote(p) for p in PATHS], ("json_type", 1): [quote(p) for p in PATHS],
    ("split_part", 2): ["1", "2", "-1", "3"], ("factorial", 0): ["0", "5", "20"],
    ("make_date", 1): ["2", "12"], ("make_date", 2): ["1", "28", "29"],
    ("make_time", 1): ["0", "59"], ("make_time", 2): ["0", "59.5"],
    ("time_bucket", 0): ["interval '7 days'", "interval '1 month'", "interval '2 days'"],
}
# Flagged as fallible, but what makes them fail is out of reach of their arguments above.
NEVER_FAIL = {"regexp_matches", "regexp_full_match", "regexp_extract", "regexp_replace", "repeat", "lpad", "rpad",
              "replace", "try_strptime", "date_part", "date_trunc", "date_diff", "strftime", "json_value",
              "json_exists", "json_type", "json_array_length", "json_quote", "levenshtein", "chr", "time_bucket",
              "date_sub", "age"}


def unit_list(function):
    kind = function.args[1]
    return {"DATE": UNITS, "TIME": TIME_UNITS, "INTERVAL": ["year", "month", "day", "hour", "minute"]}.get(
        kind, CLOCK_UNITS)


# Pairs that are compared after a cast of one or both.
MIXED = [(INT32, FLOAT64), (INT64, FLOAT64), (INT16, INT64), (INT32, NUMERICS[2]), (NUMERICS[0], NUMERICS[3]),
         (NUMERICS[1], FLOAT64), (DATE, TIMESTAMP), (FLOAT32, FLOAT64), (INT64, FLOAT32)]

# ---- expressions -----------------------------------------------------------------------------

Expr = collections.namedtuple("Expr", "sql bound fails")  # bound: of an integer's absolute value
Column = collections.namedtuple("Column", "name type bound")


class Expressions:
    """Random expressions over columns. With `total`, none that can fail."""

    def __init__(self, r, columns, total):
        self.r, self.columns, self.total = r, columns, total

    def make(self, t, depth=2):
        for _ in range(20):
            e = self.attempt(t, depth)
            if e is not None and not (self.total and e.fails):
                return e
        return self.leaf(t)

    def leaf(self, t):
        here = [c for c in self.columns if c.type == t]
        if here and self.r.random() < 0.85:
            c = self.r.choice(here)
            return Expr(c.name, c.bound, False)
        if t == INTERVAL:
            return Expr("interval " + quote(self.r.choice(
                ["1 day", "3 hours", "1 month", "-2 days", "1 year 2 months", "00:00:01.5", "0 days"])), 0, False)
        if t.family == "INT16" or t.family == "INT32" or t.family == "INT64":
            v = self.r.choice([0, 1, 2, 3, -1, 7, 100, -13])
            return Expr(f"{v}::{t.name}" if v >= 0 else f"({v})::{t.name}", abs(v), False)
        if (self.total and self.r.random() < 0.05) or t in (INTS, TEXTS, PAIR):  # The dialects write a list or a row differently.
            return Expr(f"NULL::{t.name}", 0, False)
        return Expr(make_value(self.r, t)[1], t.top, False)

    def attempt(self, t, depth):
        r = self.r
        if depth <= 0 or r.random() < 0.15:
            return self.leaf(t)
        pick = r.random()
        if pick < 0.08:
            return self.case(t, depth)
        if pick < 0.16:
            return self.choose(t, depth)
        if pick < 0.25:
            return self.cast(t, depth)
        if pick < 0.6:
            e = self.call(t, depth)
            if e is not None:
                return e
        return self.operator(t, depth)

    def case(self, t, depth):
        condition, yes = self.make(BOOL, depth - 1), self.make(t, depth - 1)
        if not self.total and not any(re.search(r"\b%s\b" % c.name, condition.sql) for c in self.columns):
            return None  # Without ELSE it may be a NULL constant: LEFT_OUT.
        if self.r.random() < 0.3:
            return Expr(f"CASE WHEN {condition.sql} THEN {yes.sql} END", yes.bound, condition.fails or yes.fails)
        no = self.make(t, depth - 1)
        return Expr(f"CASE WHEN {condition.sql} THEN {yes.sql} ELSE {no.sql} END", max(yes.bound, no.bound),
                    condition.fails or yes.fails or no.fails)

    def choose(self, t, depth):
        a, b = self.make(t, depth - 1), self.make(t, depth - 1)
        names = ["coalesce", "nullif"]
        if t in PLAIN and t != FLOAT32:  # LEFT_OUT
            names += ["greatest", "least"]
        return Expr(f"{self.r.choice(names)}({a.sql}, {b.sql})", max(a.bound, b.bound), a.fails or b.fails)

    def cast(self, t, depth):
        r = self.r
        if t in (INTS, TEXTS, PAIR, INTERVAL, JSON):
            return None
        if t in INTEGERS:
            source = r.choice(INTEGERS + [BOOL])
        else:
            source = r.choice({
                "TEXT": PLAIN + NUMERICS, "DATE": [TIMESTAMP, TIMESTAMPTZ], "TIMESTAMP": [DATE, TIMESTAMPTZ],
                "TIMESTAMPTZ": [TIMESTAMP, DATE], "FLOAT64": INTEGERS + NUMERICS + [FLOAT32],
                "FLOAT32": INTEGERS + [FLOAT64], "BOOL": INTEGERS, "NUMERIC": INTEGERS + NUMERICS,
            }.get(t.family, [TEXT]))
        if t.family == source.family == "NUMERIC" and numeric_of(source)[1] > numeric_of(t)[1]:
            return None
        a = self.make(source, depth - 1)
        if source == TEXT and a.sql[0] == "'":
            return None  # A constant that fails is refused here; DuckDB fails once it meets a row.
        if r.random() < 0.25:
            return Expr(f"TRY_CAST({a.sql} AS {t.name})", t.top + 1, a.fails)
        fails = source == TEXT or (t in INTEGERS and source != t and a.bound > t.top) or t.family == "NUMERIC" or (
            t == FLOAT32 and source == FLOAT64)
        return Expr(f"CAST({a.sql} AS {t.name})", min(a.bound if source in INTEGERS else 1, t.top), a.fails or fails)

    def call(self, t, depth):
        r = self.r
        fitting = [f for f in FUNCTIONS if f.result == t.family and (
            t.family != "NUMERIC" or f.name in ("abs",)) and self.usable(f)]
        if not fitting:
            return None
        f = r.choice(fitting)
        kinds, fails = list(f.args), "FALLIBLE" in f.flags and (
            f.name not in NEVER_FAIL or f.name.startswith("json") and f.args[0] == "TEXT")
        if "VARIADIC" in f.flags:
            kinds += [f.args[-1]] * r.randint(1, 2)
        parts = []
        for i, kind in enumerate(kinds):
            if (f.name, i) in LITERALS:
                parts.append(r.choice(LITERALS[f.name, i]))
            elif i == 0 and f.name in ("date_part", "date_trunc", "date_diff", "date_sub"):
                parts.append(quote(r.choice(unit_list(f))))
            else:
                a = self.make(t if kind == "NUMERIC" else FAMILIES[kind], depth - 1)
                if f.name in ("make_timestamp", "epoch_ms") and kind == "INT64":
                    a = Expr(f"({a.sql}) % 1000000000000", 0, a.fails)
                elif i > 0 and f.name in ("substring", "substr", "left", "right"):  # LEFT_OUT
                    a = Expr(f"({a.sql}) % 100000", 0, a.fails)
                elif f.name in ("make_date",):
                    a = Expr(f"({a.sql}) % 10000", 0, a.fails)
                parts.append(a.sql)
                fails = fails or a.fails
        sql = f"{f.name}({', '.join(parts)})"
        if f.name == "date_trunc" and t == DATE:  # LEFT_OUT
            sql = f"CAST({sql} AS date)"
        return Expr(sql, t.top + 1, fails)

    def usable(self, f):
        return "JSON" not in f.args + [f.result] or any(c.type == JSON for c in self.columns)

    def operator(self, t, depth):
        r, f = self.r, t.family
        if f == "BOOL":
            return self.condition(depth)
        if t in INTEGERS:
            a, b, op = self.make(t, depth - 1), self.make(t, depth - 1), r.choice(["+", "-", "*", "//", "%", "n"])
            if op == "n":
                return Expr(f"(-{a.sql})" if not a.sql.startswith("-") else f"(-({a.sql}))", a.bound,
                            a.fails or a.bound >= t.top)
            if op in ("//", "%"):  # The least value by -1 does not fit.
                m = r.choice([1, 2, 3, 7, 10, 1000])
                if r.random() < 0.7 or self.total:
                    return Expr(f"({a.sql} {op} {m}::{t.name})", min(a.bound, m) if op == "%" else a.bound, a.fails)
                return Expr(f"({a.sql} {op} {b.sql})", a.bound, True)
            bound = a.bound * b.bound if op == "*" else a.bound + b.bound
            return Expr(f"({a.sql} {op} {b.sql})", min(bound, t.top), a.fails or b.fails or bound > t.top)
        if f in ("FLOAT32", "FLOAT64"):
            a, b = self.make(t, depth - 1), self.make(t, depth - 1)
            return Expr(f"({a.sql} {r.choice(['+', '-', '*', '/'])} {b.sql})", 0, a.fails or b.fails)
        if f == "NUMERIC":
            # The result has a type of its own, and may not fit this one. Fewer digits behind the point: LEFT_OUT.
            if r.random() < 0.6 and t in NUMERICS[3:]:
                kinds = r.choice(NUMERICS[:3]), r.choice(NUMERICS[:3] + [INT32])
                a, b, op = self.make(kinds[0], depth - 1), self.make(kinds[1], depth - 1), r.choice("+-*")
                over = op == "*" and sum(PRODUCT_DIGITS[k.name] for k in kinds) > 18
                return Expr(f"TRY_CAST(({a.sql} {op} {b.sql}) AS {t.name})", 0, a.fails or b.fails or over)
            a = self.make(t, depth - 1)
            return Expr(r.choice(["(-{0})", "abs({0})"]).format(f"({a.sql})"), 0, a.fails)
        if f == "TEXT":
            a, b = self.make(t, depth - 1), self.make(t, depth - 1)
            return Expr(f"({a.sql} || {b.sql})", 0, a.fails or b.fails)
        if f == "DATE":
            a = self.make(t, depth - 1)
            return Expr(f"({a.sql} {r.choice('+-')} {r.randrange(400)})", 0, a.fails)
        if f in ("TIMESTAMP", "TIMESTAMPTZ", "TIME"):
            a, b = self.make(t, depth - 1), self.leaf(INTERVAL)
            return Expr(f"({a.sql} {r.choice('+-')} {b.sql})", 0, a.fails or b.fails)
        if f == "INTERVAL":
            s = r.choice([TIMESTAMP, TIMESTAMPTZ])
            a, b = self.make(s, depth - 1), self.make(s, depth - 1)
            return Expr(f"({a.sql} - {b.sql})", 0, a.fails or b.fails)
        if f == "JSON":
            a = self.make(t, depth - 1)
            return Expr(f"({a.sql} -> {quote(r.choice(PATHS))})", 0, a.fails)
        return self.leaf(t)

    def filter(self):
        """A condition that lets enough rows pass."""
        sql = self.make(BOOL, 2).sql
        return sql if self.r.random() < 0.3 else f"({sql} OR id % {self.r.choice([2, 3, 5])} > 0)"

    def condition(self, depth):
        r, pick = self.r, self.r.random()
        if pick < 0.25:
            a, b = (Expressions(r, self.columns, True).make(BOOL, depth - 1) for _ in range(2))  # Order is open.
            return Expr(f"({a.sql} {r.choice(['AND', 'OR'])} {b.sql})", 0, False)
        if pick < 0.32:
            a = self.make(BOOL, depth - 1)
            return Expr(f"(NOT {a.sql})", 0, a.fails)
        if pick < 0.42:
            a = self.make(r.choice([c.type for c in self.columns]), depth - 1)
            return Expr(f"({a.sql} IS {r.choice(['NULL', 'NOT NULL'])})", 0, a.fails)
        if pick < 0.52:
            a = self.make(TEXT, depth - 1)
            like = r.choice(["LIKE", "NOT LIKE", "ILIKE"])
            return Expr(f"({a.sql} {like} {quote(r.choice(['a%', '%a%', '_', '%é%', '%', '', 'A_C']))})", 0, a.fails)
        if pick < 0.6:
            kinds = r.choice(MIXED)
            a, b = self.make(kinds[0], depth - 1), self.make(kinds[1], depth - 1)
            return Expr(f"({a.sql} {r.choice(['=', '<>', '<', '>='])} {b.sql})", 0, a.fails or b.fails)
        t = r.choice([c.type for c in self.columns if c.type not in (JSON, INTS, TEXTS, PAIR)] or [INT32])
        if pick < 0.68:
            a = self.make(t, depth - 1)
            items = ", ".join(make_value(r, t)[1] for _ in range(r.randint(1, 3)))
            return Expr(f"({a.sql} {r.choice(['IN', 'NOT IN'])} ({items}))", 0, a.fails)
        a, b = self.make(t, depth - 1), self.make(t, depth - 1)
        if pick < 0.74:
            c = self.leaf(t)
            return Expr(f"({a.sql} BETWEEN {b.sql} AND {c.sql})", 0, a.fails or b.fails)
        op = r.choice(["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"])
        return Expr(f"({a.sql} {op} {b.sql})", 0, a.fails or b.fails)


# ---- a case: table, rows, views, queries -----------------------------------------------------

class Query:
    """An INSERT, in parts that the shrinker may drop. Text is (millrace, DuckDB)."""

    def __init__(self, name, items, source, where=None, group=None, having=None):
        self.name, self.items, self.source = name, items, source
        self.where, self.group, self.having = where, group, having

    def text(self, which):
        parts = ["SELECT " + ", ".join(f"{i[which]} AS {i[2]}" for i in self.items), "FROM " + self.source[which]]
        if self.where:
            parts.append("WHERE " + self.where)
        if self.group:
            parts.append("GROUP BY " + ", ".join(self.group))
        if self.having:
            parts.append("HAVING " + self.having)
        return " ".join(parts)


class View:
    """A view: its text in both dialects, and what it needs of millrace."""

    def __init__(self, name, texts, options=""):
        self.name, self.texts, self.options = name, texts, options


def seconds(interval_us):
    return f"interval '{interval_us / 1e6:g} seconds'"


class Case:
    def __init__(self, seed, can):
        self.seed, self.can = seed, can
        r = self.r = random.Random(seed)
        self.total = seed % 4 != 0
        types = [t for t in ALL if t not in can["none"]]
        self.columns = [Column(f"c{i}", t, t.top + 1) for i, t in enumerate(
            r.choice(types) for _ in range(r.randint(3, 12)))]
        self.zoned = r.random() < 0.7
        self.time = TIMESTAMPTZ if self.zoned else TIMESTAMP
        self.step = r.choice([0, 1000, 1000000, 7000000, 60000000])
        self.jitter = r.choice([0, 1, 5 * self.step, 20 * self.step])
        self.start = r.choice([0, 1767225600000000, -5000000, 951782400000000, 4102444800000000])
        self.small = Column("k", INT32, 9)  # Few values: for keys and for sums that cannot overflow.
        self.value = Column("v", FLOAT64, 0)
        self.base = [Column("id", INT32, 1000), Column("t", self.time, 0), self.small, self.value] + self.columns
        self.make_rows()
        self.make_dim()
        self.views, self.queries = [], []
        self.make_views()
        settings = {"workers": r.choice([1, 2, 4]), "batch_rows": r.choice([1, 3, 17, 64, 2048]),
                    "chunk_bytes": r.choice([64, 400, 3000, 524288]), "epoch_rows": r.choice([0, 0, 10, 50]),
                    "log_bytes": r.choice(["64MiB", "0"])}
        self.settings = [f"exec.{k}={v}" for k, v in settings.items()]
        self.restarts = r.choice([0, 0, 1, 3])
        self.keep = None

    # -- rows

    def make_rows(self):
        r = self.r
        self.rows = []
        count = r.randint(50, ROW_LIMIT)
        nulls = r.choice([0.02, 0.2, 0.5])
        pools = {c.name: [make_value(r, c.type) for _ in range(r.choice([3, 10, 200]))] for c in self.columns}
        for i in range(count):
            us = self.start + i * self.step - (r.randrange(self.jitter + 1) if self.jitter else 0)
            when = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=us)
            text = when.strftime("%Y-%m-%dT%H:%M:%S.%f")
            cells = [("id", str(i), str(i)),
                     ("t", json.dumps(text + ("Z" if self.zoned else "")), f"'{text}{'+00' if self.zoned else ''}'")]
            k, v = r.randint(0, 9), r.uniform(-1000, 1000)
            cells.append(("k", str(k), str(k)) if r.random() > nulls / 4 else ("k", None, "NULL"))
            cells.append(("v", repr(v), repr(v)) if r.random() > nulls / 4 else ("v", "null", "NULL"))
            for c in self.columns:
                if r.random() < nulls:
                    cells.append((c.name, r.choice([None, "null"]), "NULL"))
                    continue
                value = r.choice(pools[c.name])
                # What the decoder does not read itself comes as text, and the first view casts it.
                text = value[0] if c.type not in self.can["text"] or value[0][0] == '"' else json.dumps(value[0])
                cells.append((c.name, text, value[1]))
            line = [f'"{n}":{j}' for n, j, _ in cells if j is not None]
            if r.random() < 0.2:
                r.shuffle(line)
            self.rows.append(("{" + ",".join(line) + "}", "(" + ", ".join(c[2] for c in cells) + ")"))

    def make_dim(self):
        r = self.r
        self.unique = r.random() < 0.5
        keys = list(range(0, 12, r.choice([1, 2]))) if self.unique else [r.randint(0, 11) for _ in range(8)]
        types = [t for t in (TEXT, INT64, FLOAT64, BOOL, DATE, TIMESTAMPTZ) if t not in self.can["none"]]
        self.dim = [Column("x", r.choice(types), 0), Column("y", r.choice(types), 0)]
        self.dim = [c._replace(bound=c.type.top + 1) for c in self.dim]
        rows = []
        for key in keys:
            if not self.unique and r.random() < 0.1:
                key = "NULL"
            cells = [make_value(r, c.type)[1] if r.random() < 0.8 else "NULL" for c in self.dim]
            rows.append(f"({key}, {', '.join(cells)})")
        self.dim_sql = (f"CREATE TABLE dim (k int{' PRIMARY KEY' if self.unique else ''}, "
                        + ", ".join(f"{c.name} {c.type.name}" for c in self.dim)
                        + ");\nINSERT INTO dim VALUES " + ", ".join(rows) + ";")

    # -- views and queries

    def make_views(self):
        r = self.r
        source, columns, unique = "base", list(self.base), True
        for n in range(r.choice([0, 1, 1, 2, 3])):
            name, kind, ex = f"view{n}", r.random(), Expressions(r, columns, True)
            kind = kind if self.total else 0  # A row that fails must be one row of the source.
            if kind < 0.5:
                kept = [c for c in columns if c.name in ("id", "t", "k", "v") or r.random() < 0.8]
                fresh = []
                for i in range(r.randint(0, 3)):
                    t = r.choice([c.type for c in columns])
                    e = ex.make(t, 2)
                    fresh.append((Column(f"e{n}{i}", t, e.bound), e.sql))
                where = f" WHERE {ex.filter()}" if r.random() < 0.5 else ""
                text = ("SELECT " + ", ".join([c.name for c in kept] + [f"{s} AS {c.name}" for c, s in fresh])
                        + f" FROM {source}{where}")
                self.views.append(View(name, (text, text)))
                columns = kept + [c for c, _ in fresh]
            elif kind < 0.75 and not any(c.name in ("x", "y") for c in columns):
                side = r.choice(["JOIN", "LEFT JOIN", "LEFT JOIN"])
                on = "e.k = d.k"
                if r.random() < 0.2:
                    on += f" AND d.{self.dim[0].name} IS NOT NULL"
                text = ("SELECT " + ", ".join(f"e.{c.name}" for c in columns)
                        + ", " + ", ".join(f"d.{c.name}" for c in self.dim)
                        + f" FROM {source} e {side} dim d ON {on}")
                self.views.append(View(name, (text, text)))
                columns = columns + self.dim
                unique = unique and self.unique
            elif unique:
                keys = r.sample([c for c in columns if c.name != "id"], r.randint(1, min(3, len(columns) - 1)))
                listed = ", ".join(c.name for c in columns)
                text = f"SELECT DISTINCT ON ({', '.join(k.name for k in keys)}) {listed} FROM {source}"
                self.views.append(View(name, (text, text + " ORDER BY id"),
                                       " WITH (state_ttl = '36500 days')"))
            else:
                continue
            source = name
        for n in range(r.choice([1, 1, 2]) if self.total else 1):
            pick = r.random() if self.total else 0
            if pick < 0.3:
                self.queries.append(self.projection(f"result{n}", source, columns, (source, source), []))
            elif pick < 0.4:
                self.queries.append(self.projection(f"result{n}", source, columns, *self.window(source)))
            else:
                self.queries.append(self.aggregate(f"result{n}", source, columns, unique))

    def window(self, source):
        r = self.r
        unit = max(self.step, 1000) * r.choice([1, 3, 10, 1000])
        size = unit * r.choice([1, 2, 5, 7])
        make = "make_timestamptz" if self.zoned else "make_timestamp"
        if r.random() < 0.5:
            mill, slide = f"tumble({source}, t, {seconds(size)})", size
        else:
            slide = min(unit * r.choice([1, 2, 3, 5]), size)
            mill = f"hop({source}, t, {seconds(slide)}, {seconds(size)})"
        # floor(t / slide) * slide - n * slide, for each n that leaves t inside.
        start = (f"(epoch_us(t) - ((epoch_us(t) % {slide}) + {slide}) % {slide} - n * {slide})")
        duck = (f"(SELECT * EXCLUDE (us), {make}(us) AS window_start, {make}(us + {size}) AS window_end FROM "
                f"(SELECT s.*, {start} AS us FROM {source} s, range({(size + slide - 1) // slide}) w(n)) "
                f"WHERE us > epoch_us(t) - {size})")
        return (mill, duck), ["window_start", "window_end"]

    def shown(self, c, sql):
        """How a column of a type reaches the sink: as it is, or as text when JSON lines does not write it."""
        return f"({sql})::text" if c in self.can["write"] or c == INTERVAL else sql

    def projection(self, name, source, columns, texts, more):
        r = self.r
        ex = Expressions(r, columns, self.total)
        items = [(s, s, s) for s in more]
        if not self.total or r.random() < 0.7:
            items.append(("id", "id", "id"))
        for i in range(r.randint(1, 6)):
            t = r.choice([c.type for c in columns] + PLAIN + [INTERVAL])
            if t in self.can["none"]:
                continue
            sql = self.shown(t, ex.make(t, 3).sql)
            items.append((sql, sql, f"r{i}"))
        if not items:
            items.append(("id", "id", "id"))
        where = Expressions(r, columns, True).filter() if r.random() < 0.4 else None
        return Query(name, items, texts, where)

    def aggregate(self, name, source, columns, unique):
        r = self.r
        texts, window = self.window(source)
        keys = r.sample([c for c in columns if c.name not in ("id", "t")], r.choice([0, 1, 1, 2]))
        items = [(w, w, w) for w in window]
        items += [(self.shown(c.type, c.name), self.shown(c.type, c.name), f"key{i}") for i, c in enumerate(keys)]
        group = window + [c.name for c in keys]
        for i in range(r.randint(1, 5)):
            mill, duck = self.aggregate_call(columns, unique)
            items.append((mill, duck, f"a{i}"))
        where = Expressions(r, columns, True).filter() if r.random() < 0.3 else None
        having = None
        if r.random() < 0.3:
            having = r.choice(["count(*) > 1", "count(k) > 2", "sum(k) > 10", "min(id) % 2 = 0", "max(k) IS NOT NULL",
                               "count(*) FILTER (WHERE k > 3) > 0"])
        return Query(name, items, texts, where, group, having)

    def aggregate_call(self, columns, unique):
        r, ex = self.r, Expressions(self.r, columns, True)
        keyed = [c for c in columns if c.type in PLAIN or c.type in NUMERICS]
        any_ = ex.make(r.choice(keyed).type, 1)
        scalar = r.choice(keyed)
        value = r.choice(["v", "v * 0.5", "k", "k + v", "abs(v)"])
        order = r.choice([" ORDER BY id", " ORDER BY id DESC"])
        small = r.choice(["k", "k - 3", "id", "k * id"])
        calls = [
            "count(*)", f"count({any_.sql})", f"count(DISTINCT {any_.sql})", f"sum({small})", f"avg({small})",
            f"sum(DISTINCT {small})", ("sum({0})", "fsum({0})", value), ("avg({0})", "favg({0})", value),
            f"min({any_.sql})", f"max({any_.sql})", f"bool_and({ex.make(BOOL, 1).sql})",
            f"bool_or({ex.make(BOOL, 1).sql})", f"bit_and({small})", f"bit_or({small})", f"bit_xor({small})",
            f"count_if({ex.make(BOOL, 1).sql})",
            f"var_samp({value})", f"var_pop({value})", f"stddev_samp({value})", f"stddev_pop({value})",
            f"covar_samp({value}, k)", f"covar_pop(v, {value})", f"median({value})",
            f"quantile_cont({value}, {r.choice(['0', '0.25', '0.9', '1'])})",
            f"quantile_disc({value}, {r.choice(['0', '0.25', '0.9', '1'])})",
            ("approx_count_distinct({0})", "count(DISTINCT {0})", scalar.name),
        ]
        numerics = [c for c in columns if c.type in NUMERICS and numeric_of(c.type)[0] < 30]
        if numerics:
            calls += [f"sum({r.choice(numerics).name})"] * 2
        if unique:
            ordered = r.choice(keyed)
            calls += [f"arg_min({ordered.name}, id)", f"arg_max({ordered.name}, id)", f"first({ordered.name}{order})",
                      f"last({ordered.name}{order})", f"any_value({ordered.name}{order})",
                      f"string_agg({ex.make(TEXT, 1).sql}, {r.choice(['chr(44)', quote('; ')])}{order})"
                      .replace("chr(44)", "','"), f"string_agg(DISTINCT k::text, '-' ORDER BY k::text)",
                      f"mode(k{order})"]
            if INTS not in self.can["none"]:
                calls += [f"array_agg(k{order})", f"array_agg({r.choice(keyed).name}::text{order})"]
        call = r.choice(calls)
        mill, duck = (call, call) if isinstance(call, str) else (call[0].format(call[2]), call[1].format(call[2]))
        if r.random() < 0.25:
            condition = f" FILTER (WHERE {ex.make(BOOL, 1).sql})"
            mill, duck = mill + condition, duck + condition
        type_ = next((c.type for c in columns if mill.startswith(("min(", "max("))), None)
        if type_ is not None or re.match(r"(sum|first|last|any_value|arg_m\w+|min|max)\(", mill):
            # Its type may be one that JSON lines does not write yet.
            if self.can["write"]:
                mill, duck = f"({mill})::text", f"({duck})::text"
                if "fsum" in duck:
                    mill, duck = mill[1:-7], duck[1:-7]
        return mill, duck

    # -- texts

    def pipeline(self, folder):
        declared = [f"{c.name} {'text' if c.type in self.can['text'] else c.type.name}" for c in self.base]
        declared[1] = f"t {self.time.name} OPTIONS (watermark '{self.jitter / 1e6:f} seconds')"
        out = ["CREATE SERVER f FOREIGN DATA WRAPPER file;", "CREATE SERVER o FOREIGN DATA WRAPPER jsonl;"]
        if any(c.type == PAIR for c in self.base):
            out.append("CREATE TYPE pair AS (a int, b text);")
        out += [f"CREATE FOREIGN TABLE events ({', '.join(declared)})\n  SERVER f OPTIONS "
                f"(path '{folder}/events.jsonl', format 'json');", self.dim_sql,
                "CREATE VIEW base AS SELECT " + ", ".join(
                    f"{c.name}::{c.type.name} AS {c.name}" if c.type in self.can["text"] else c.name
                    for c in self.base) + " FROM events;"]
        out += [f"CREATE VIEW {v.name}{v.options} AS {v.texts[0]};" for v in self.views]
        for q in self.queries:
            out += [f"CREATE FOREIGN TABLE {q.name} () SERVER o;", f"INSERT INTO {q.name} {q.text(0)};"]
        return "\n".join(out) + "\n"

    def load(self, con):
        con.execute("CREATE TYPE pair AS STRUCT(a int, b text)")
        con.execute("CREATE TABLE base (" + ", ".join(
            f"{c.name} {'json' if c.type == JSON else c.type.name}" for c in self.base) + ")")
        con.execute("INSERT INTO base VALUES " + ", ".join(row[1] for row in self.rows))
        for statement in self.dim_sql.split(";\n"):
            con.execute(statement)
        for v in self.views:
            con.execute(f"CREATE VIEW {v.name} AS {v.texts[1]}")


# ---- running and comparing -------------------------------------------------------------------

def read_lines(table):
    found = []
    for base, folders, files in os.walk(table):
        folders[:] = [f for f in folders if not f.startswith(".")]
        for name in files:
            if name.endswith(".jsonl"):
                with open(os.path.join(base, name), encoding="utf-8") as file:
                    found += file.read().split("\n")[:-1]
    return found


def run_millrace(program, case, folder):
    """Rows of every result as lists of cells, ids in the bad table; or a string: what went wrong."""
    with open(os.path.join(folder, "events.jsonl"), "w", encoding="utf-8") as out:
        out.write("".join(row[0] + "\n" for row in case.rows))
    path = os.path.join(folder, "p.sql")
    with open(path, "w", encoding="utf-8") as out:
        out.write(case.pipeline(folder))
    data = os.path.join(folder, "data")
    command = [program, "run", path, "--until", "end", "--data", data, "--progress", "none", "-c",
               "exec.aside_format=jsonl"]
    for setting in case.settings:
        command += ["-c", setting]
    for i in range(case.restarts + 1):
        more = ["-c", "exec.stop_after_epochs=1"] if i < case.restarts else []
        try:
            done = subprocess.run(command + more, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  timeout=60, check=False)
        except subprocess.TimeoutExpired:
            return "does not end"
        if done.returncode != 0:
            return f"ends with {done.returncode}: {done.stdout}"

    def lines(table):
        return read_lines(os.path.join(data, "lake", table))

    def decode(line):
        return json.loads(line, parse_float=str, parse_int=str)

    results = {q.name: [list(decode(line).values()) for line in lines(q.name)] for q in case.queries}
    bad = []
    for line in lines("events_bad"):
        row = decode(line)
        raw = bytes.fromhex(row["raw"][2:])
        bad.append((int(json.loads(raw)["id"]), row["reason"]))
    if lines("events_late"):
        return "late rows: " + lines("events_late")[0]
    return results, bad


def duck_rows(con, sql):
    """Rows of a SELECT as (types, lists of cells in the form of millrace's JSON)."""
    types = con.execute("DESCRIBE " + sql).fetchall()
    shown = []
    for name, kind, *_ in types:
        if kind in ("FLOAT", "DOUBLE", "BOOLEAN"):
            shown.append(name)
        elif kind == "JSON":
            shown.append(f"{name}::VARCHAR")
        elif kind.endswith("]") or kind.startswith("STRUCT"):
            shown.append(f"to_json({name})::VARCHAR")
        else:
            shown.append(f"{name}::VARCHAR")
    rows = con.execute(f"SELECT {', '.join(shown)} FROM ({sql})").fetchall()
    return [t[1] for t in types], [list(row) for row in rows]


def plain(kind, cell, theirs):
    """A cell in one form for both sides."""
    if cell is None:
        return None
    if kind in ("FLOAT", "DOUBLE"):
        v = float(cell)
        return v + 0.0 if math.isfinite(v) else None  # JSON has no other numbers.
    if kind.startswith("DECIMAL"):
        return decimal.Decimal(cell)
    if kind == "JSON" and theirs and cell == "null":  # LEFT_OUT
        return None
    if kind == "VARCHAR" and theirs:
        cell = cell.replace("-nan", "nan")  # LEFT_OUT
    if kind == "JSON" or kind.endswith("]") or kind.startswith("STRUCT"):
        value = json.loads(cell, parse_float=str, parse_int=str) if theirs else cell
        return json.dumps(value, sort_keys=True)
    if kind.startswith("TIME") or kind == "DATE":
        cell = re.sub(r"^(\d+)(-\d\d-\d\d) \(BC\)", lambda m: f"{1 - int(m[1]):04}{m[2]}", cell)
        cell = re.sub(r"(\.\d*?)0+($|\+)", r"\1\2", cell.replace("T", " ").replace("Z", "+00")).replace(".+", "+")
        cell = cell.rstrip(".")
    return cell if isinstance(cell, bool) else str(cell)


def close(kinds, a, b, approximate):
    for kind, x, y, approx in zip(kinds, a, b, approximate):
        if x == y:
            continue
        if x is None or y is None or isinstance(x, str) or isinstance(y, str):
            if not (approx and x is not None and y is not None and abs(int(x) - int(y)) <= max(1, 0.03 * int(y))):
                return False
        elif kind in ("FLOAT", "DOUBLE"):
            relative, least = (1e-9, 1e-9) if kind == "DOUBLE" else (1e-6, 1e-44)
            if abs(x - y) > max(relative * max(abs(x), abs(y)), least):
                return False
        else:
            return False
    return True


def compare(kinds, ours, theirs, approximate):
    """What is only here and only there."""
    ours = [tuple(plain(k, c, False) for k, c in zip(kinds, row)) for row in ours]
    theirs = [tuple(plain(k, c, True) for k, c in zip(kinds, row)) for row in theirs]
    left, right = collections.Counter(ours), collections.Counter(theirs)
    here, there = list((left - right).elements()), list((right - left).elements())
    for row in list(here):
        near = next((other for other in there if close(kinds, row, other, approximate)), None)
        if near is not None:
            here.remove(row)
            there.remove(near)
    return here, there


def failing(con, sql_of, low, high, found):
    """Ids low .. high - 1 whose row is an error, by halves."""
    try:
        con.execute(sql_of(low, high)).fetch_arrow_table()
    except (duckdb.Error, UnicodeDecodeError):  # Of a message that is cut within a character.
        if high - low == 1:
            found.add(low)
        else:
            failing(con, sql_of, low, (low + high) // 2, found)
            failing(con, sql_of, (low + high) // 2, high, found)


def judge(program, case, keep=None):
    """None when both agree, else what differs. A DuckDB error in planning means an ill-made case: ("skip", text)."""
    with tempfile.TemporaryDirectory() as made:
        folder = keep or made
        con = duckdb.connect()
        con.execute("SET TimeZone = 'UTC'; SET threads = 1")
        try:
            case.load(con)
            for q in case.queries:
                con.execute("DESCRIBE " + q.text(1))
        except duckdb.Error as error:
            return "skip", f"DuckDB: {error}"
        answer = run_millrace(program, case, folder)
        failed = set()
        if not case.total:
            q = case.queries[0]
            names = [v.name for v in case.views]
            con.execute("ALTER TABLE base RENAME TO kept")
            con.execute("CREATE TABLE base AS FROM kept")

            def sql_of(low, high):
                con.execute(f"CREATE OR REPLACE TABLE base AS FROM kept WHERE id >= {low} AND id < {high}")
                return q.text(1)

            for name in names:
                con.execute(f"DROP VIEW IF EXISTS {name}")
            for v in case.views:
                con.execute(f"CREATE VIEW {v.name} AS {v.texts[1]}")
            try:
                con.execute(sql_of(-1, 0)).fetch_arrow_table()
            except duckdb.Error:
                return "skip", "a constant that fails; such a file is refused here"
            failing(con, sql_of, 0, len(case.rows), failed)
            if not isinstance(answer, str) and {i for i, _ in answer[1]} != failed:  # LEFT_OUT
                con.execute("PRAGMA disable_optimizer")
                failed.clear()
                failing(con, sql_of, 0, len(case.rows), failed)
            listed = ", ".join(map(str, failed)) or "-1"
            con.execute(f"CREATE OR REPLACE TABLE base AS FROM kept WHERE id NOT IN ({listed})")
        if isinstance(answer, str):
            return "fail", answer
        results, bad = answer
        if {i for i, _ in bad} != failed:
            ours = sorted((i, why) for i, why in bad if i not in failed)[:3]
            there = sorted(failed - {i for i, _ in bad})[:3]
            return "fail", "bad rows differ\n" + "".join(
                f"  only here:  {why}: {case.rows[i][0]}\n" for i, why in ours) + "".join(
                f"  only there: {case.rows[i][0]}\n" for i in there)
        for q in case.queries:
            try:
                kinds, theirs = duck_rows(con, q.text(1))
            except duckdb.Error as error:
                return "skip", f"DuckDB: {error}"
            approximate = ["approx" in item[0] for item in q.items]
            here, there = compare(kinds, results[q.name], theirs, approximate)
            if here or there:  # LEFT_OUT
                con.execute("PRAGMA disable_optimizer")
                here, there = compare(kinds, results[q.name], duck_rows(con, q.text(1))[1], approximate)
                con.execute("PRAGMA enable_optimizer")
            if here or there:
                key = lambda row: len(str(row))  # noqa: E731
                return "fail", f"{q.name}: {len(here)} rows only here, {len(there)} only there\n" + "".join(
                    f"  only here:  {row}\n" for row in sorted(here, key=key)[:3]) + "".join(
                    f"  only there: {row}\n" for row in sorted(there, key=key)[:3])
    return None


# ---- shrinking -------------------------------------------------------------------------------

def shrink(program, case, tries=60):
    """Drops queries, items, clauses, rows and settings as long as it fails in the same way."""
    def fails():
        nonlocal tries
        tries -= 1
        try:
            answer = judge(program, case)
        except (duckdb.Error, ValueError, LookupError):
            return False
        return answer is not None and answer[0] == "fail"

    def attempt(obj, name, value):
        if tries <= 0:
            return False
        old = getattr(obj, name)
        setattr(obj, name, value)
        if fails():
            return True
        setattr(obj, name, old)
        return False

    for q in list(case.queries):
        if len(case.queries) > 1:
            attempt(case, "queries", [x for x in case.queries if x is not q])
    attempt(case, "restarts", 0)
    attempt(case, "settings", ["exec.workers=1"])
    for q in case.queries:
        attempt(q, "having", None)
        attempt(q, "where", None)
        for item in list(q.items):
            if len(q.items) > 1:
                attempt(q, "items", [x for x in q.items if x is not item])
    for v in list(case.views):
        attempt(case, "views", [x for x in case.views if x is not v])
    size = len(case.rows) // 2
    while size >= 1 and tries > 0 and case.total:
        at = 0
        while at < len(case.rows):
            if not attempt(case, "rows", case.rows[:at] + case.rows[at + size:]):
                at += size
        size //= 2
    return case


# ---- main ------------------------------------------------------------------------------------

def probe(program):
    """Which types the decoder reads and the sink writes; the others go as text, or not at all."""
    can = {"text": set(), "write": set(), "none": set()}
    samples = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        def works(declared, select, value):
            with open(os.path.join(folder, "e.jsonl"), "w", encoding="utf-8") as out:
                out.write(f'{{"x":{value}}}\n')
            with open(os.path.join(folder, "p.sql"), "w", encoding="utf-8") as out:
                out.write("CREATE SERVER f FOREIGN DATA WRAPPER file; CREATE SERVER o FOREIGN DATA WRAPPER jsonl;"
                          f"CREATE TYPE pair AS (a int, b text); CREATE FOREIGN TABLE e (x {declared}) SERVER f "
                          f"OPTIONS (path '{folder}/e.jsonl', format 'json'); CREATE FOREIGN TABLE r () SERVER o;"
                          f"INSERT INTO r SELECT {select} AS x FROM e;")
            done = subprocess.run([program, "run", f"{folder}/p.sql", "--until", "end", "--fresh", "--data",
                                   f"{folder}/data", "--progress", "none"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, check=False)
            rows = read_lines(f"{folder}/data/lake/r") if done.returncode == 0 else []
            return len(rows) == 1 and json.loads(rows[0])["x"] is not None
        for t in ALL:
            value = make_value(samples, t)[0]
            if works(t.name, "x", value):
                continue
            text = value if value[0] == '"' else json.dumps(value)
            if works(t.name, "x::text", value):
                can["write"].add(t)
            elif works("text", f"(x::{t.name})", text):
                can["text"].add(t)
            elif works("text", f"(x::{t.name})::text", text):
                can["text"].add(t)
                can["write"].add(t)
            else:
                can["none"].add(t)
    return can


def one(program, seed, can, reduce=True, keep=None):
    case = Case(seed, can)
    answer = judge(program, case, keep)
    if answer is None or answer[0] == "skip" or not reduce:
        return answer, case
    small = shrink(program, case)
    again = judge(program, small)
    return (again if again is not None and again[0] == "fail" else answer), small


def task(job):
    program, seed, can = job
    try:
        answer, case = one(program, seed, can)
    except Exception as error:  # pylint: disable=broad-except
        return seed, ("fail", f"the generator fails: {type(error).__name__}: {error}"), ""
    if answer is None:
        return seed, None, ""
    with tempfile.TemporaryDirectory() as folder:
        queries = "".join(f"-- DuckDB: {q.text(1)}\n" for q in case.queries)
        return seed, answer, case.pipeline(folder) + queries + f"-- {case.settings} restarts {case.restarts}\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seeds", type=int, default=150)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--keep")
    args = parser.parse_args()
    can = probe(args.program)
    for word, what in (("text", "read as text and cast"), ("write", "written as text"), ("none", "left out")):
        if can[word]:
            print(f"types {what}:", ", ".join(sorted(t.name for t in can[word])))
    if args.seed is not None:
        if args.keep:
            os.makedirs(args.keep, exist_ok=True)
        answer, case = one(args.program, args.seed, can, args.keep is None, args.keep)
        print(case.pipeline(args.keep or "/tmp"))
        for q in case.queries:
            print("-- DuckDB:", q.text(1))
        print("--", case.settings, "restarts", case.restarts)
        print("agree" if answer is None else f"{answer[0]}: {answer[1]}")
        sys.exit(answer is not None and answer[0] == "fail")
    passed = failed = skipped = 0
    jobs = [(args.program, seed, can) for seed in range(args.first, args.first + args.seeds)]
    with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
        for seed, answer, text in pool.map(task, jobs, chunksize=4):
            if answer is None:
                passed += 1
            elif answer[0] == "skip":
                skipped += 1
                if os.environ.get("QUERIES_SKIPS"):
                    print(f"seed {seed} skipped: {answer[1]}")
            else:
                failed += 1
                print(f"seed {seed}: {answer[1]}\n{text}", flush=True)
    if skipped * 10 > len(jobs):
        print(f"{skipped} of {len(jobs)} seeds are no queries to DuckDB")
        failed += 1
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0 or passed == 0)


if __name__ == "__main__":
    main()
