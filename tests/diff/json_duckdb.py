"""The JSON decoder against DuckDB's read_json: which records are bad, and every value.

    json_duckdb.py JSON_DUMP [RECORDS [SEED]]

Generates records of many forms, damages a part of them, and reads the file with both. All ways of the
decoder (plain C and SIMD, lines and framed) must print the same. A record on which it and DuckDB
differ must belong to a class of ALLOWED, decided from the record by Python's json module, and every
class must occur. Ends with a line `N passed, N failed`.
"""

import json
import random
import re
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import duckdb

# How millrace's decoder differs from DuckDB's on purpose; the same list is in src/codec/json.h.
ALLOWED = {
    "lenient": "not JSON by RFC 8259, but DuckDB reads it: a comma behind the last value, NaN and "
               "Infinity, text behind the object (seen only when it skips errors)",
    "no object": "DuckDB reads a record that is no object as a value or a row of NULLs",
    "too deep": "nested deeper than 64",
    "cast": "a value of another type than the column's is bad here, DuckDB casts: anything to text, strings and "
            "booleans to numbers, strings and numbers to booleans",
    "fraction": "a number that is not whole is bad for an integer here, DuckDB rounds it",
    "infinite": "a number too large for a double is bad here, infinity in DuckDB",
    "inexact": "a whole number over 2^53 that is written with a point or an exponent: exact here, by way of a "
               "double in DuckDB",
    "time form": "times that are not ISO 8601 in full: no seconds, one digit, text behind a date",
    "double key": "of equal keys the last wins; DuckDB refuses, or takes the first",
}
FIELDS = [("i", "int", "INTEGER"), ("l", "bigint", "BIGINT"), ("d", "double", "DOUBLE"),
          ("s", "text", "VARCHAR"), ("b", "bool", "BOOLEAN"), ("w", "timestamp", "TIMESTAMP"),
          ("t", "timestamptz", "TIMESTAMPTZ"), ("e", "date", "DATE")]


WANTED = {f[0] for f in FIELDS}
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][01][0-9](:?[0-5][0-9])?)?)?")


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def space(self, style):
        if style < 2:
            return ""
        return "".join(self.r.choice(" \t\r ") for _ in range(self.r.choice([0, 0, 1, 1, 2, 5, 40])))

    def string(self):
        r = self.r
        pieces = ["a", "xyz", " ", "Mobile", "é", "日本", "😀", "\\n", "\\\"", "\\\\", "\\/", "\\u0041",
                  "\\u00e9", "\\ud83d\\ude00", "\\u0000", "{", "}", "[", ",", ":", "\x7f", "0123456789abcdef"]
        if r.random() < 0.4:
            return '"%s"' % r.choice(["IN", "US", "DE", "", "mobile", "3f2c9a1e-7d55-4c1f-a3b4-0123456789ab"])
        text = "".join(r.choice(pieces) for _ in range(r.choice([0, 1, 2, 3, 5, 9, 30])))
        if r.random() < 0.03:
            text += r.choice(["\\ud83d", "\\ude00", "\\x", "\\u12", "\x01", "\t", "\\ud800\\u0041"])
        return '"%s"' % text

    def number(self):
        r = self.r
        return r.choice([
            lambda: str(r.randint(-100, 100)),
            lambda: str(r.randint(-3 * 10**9, 3 * 10**9)),
            lambda: str(r.randint(-2**64, 2**64)),
            lambda: repr(r.uniform(-1000, 1000)),
            lambda: "%.2f" % r.uniform(0, 500),
            lambda: repr(r.uniform(-1, 1) * 10 ** r.randint(-310, 308)),
            lambda: "%d.%de%d" % (r.randint(0, 99), r.randint(0, 10**r.randint(1, 20)), r.randint(-330, 310)),
            lambda: r.choice(["0", "-0", "-0.0", "1e999", "2147483647.6", "2147483648", "-2147483648",
                              "9223372036854775807", "9223372036854775808", "2.5", "1e2", "1E+2", "10e-1",
                              "123456789012345678901234567890", "1e23", "9007199254740993", "5e-324", "9007199254740993.0",
                              "922337203685477580.7e1", "3.0000000000000000000001", "0.5e1"]),
            lambda: r.choice(["01", "1.", ".5", "+1", "1e", "-", "NaN", "Infinity", "-Infinity", "0x1"])
            if r.random() < 0.2 else "7",
        ])()

    def time(self):
        r = self.r
        text = "%04d-%02d-%02d%s%02d:%02d:%02d" % (
            r.choice([1969, 2024, 2025, 2026, 2026, 9999, 1]), r.randint(1, 12), r.randint(1, 28),
            r.choice("TT "), r.randint(0, 23), r.randint(0, 59), r.randint(0, 59))
        text += r.choice(["", ".%d" % r.randint(0, 9), ".%03d" % r.randint(0, 999),
                          ".%06d" % r.randint(0, 999999), ".%09d" % r.randint(0, 10**9 - 1)])
        text += r.choice(["Z", "Z", "Z", "", "+05:30", "-08:00", "+01"])
        if r.random() < 0.05:
            text = r.choice(["2026-02-30T00:00:00Z", "2026-13-01", "x", "", "2026-01-01T25:00:00Z",
                             "2026-01-01T00:61:00Z", "01/02/2026", "2026-02-29", "2024-02-29"])
        return '"%s"' % text

    def date(self):
        return '"%04d-%02d-%02d"' % (self.r.randint(1900, 2100), self.r.randint(1, 12), self.r.randint(1, 31))

    def any(self, style, depth=0):
        r = self.r
        kind = r.random()
        if depth < 4 and kind < 0.2:
            return "[" + ("," + self.space(style)).join(self.any(style, depth + 1) for _ in range(r.randint(0, 3))) + "]"
        if depth < 4 and kind < 0.4:
            return "{" + self.space(style) + ",".join(
                self.string() + ":" + self.any(style, depth + 1) for _ in range(r.randint(0, 3))) + "}"
        if kind < 0.42:
            deep = r.choice([3, 9, 30, 61, 62, 63, 64, 100]) if r.random() < 0.5 else 2
            return "[" * deep + "]" * deep
        return r.choice([self.string, self.number, lambda: r.choice(["true", "false", "null"])])()

    def value(self, name, style):
        r = self.r
        if r.random() < 0.06:
            return "null"
        if r.random() < 0.03:
            return self.any(style)
        if name == "i":
            return str(r.randint(-1000, 1000)) if r.random() < 0.8 else self.number()
        if name == "l":
            return str(r.randint(-2**63, 2**63 - 1)) if r.random() < 0.8 else self.number()
        return {"d": self.number, "s": self.string, "b": lambda: r.choice(["true", "false"]), "w": self.time,
                "t": self.time, "e": self.date}[name]()

    def record(self):
        r = self.r
        style = r.choice([0, 0, 0, 1, 1, 2])
        colon, comma = [(":", ","), (": ", ", "), (":", ",")][style]
        names = [f[0] for f in FIELDS]
        if r.random() < 0.3:
            r.shuffle(names)
        if r.random() < 0.3:
            names = [n for n in names if r.random() < 0.8]
        parts = []
        for n in names:
            key = '"%s"' % n if r.random() < 0.98 else '"\\u%04x"' % ord(n)
            parts.append(key + colon + self.space(style) + self.value(n, style) + self.space(style))
            if r.random() < 0.1:
                parts.append('"extra%d"' % r.randint(0, 3) + colon + self.any(style))
        if r.random() < 0.01 and names:
            n = r.choice(names)
            parts.append('"%s"' % n + colon + self.value(n, style))
        text = "{" + self.space(style) + comma.join(parts) + "}" + self.space(style)
        if r.random() < 0.01:
            text = r.choice(["[1]", "null", "5", '"x"', "true", "[]", text + " x", text + text, text[:-1] + ",}"])
        return text.encode()

    def damaged(self, record):
        r = self.r
        data = bytearray(record)
        pieces = [b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",", b" ", b"\r", b"0", b"9", b".", b"e", b"-",
                  b"\x00", b"\x1f", b"\x80", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\\u", b"tru"]
        for _ in range(r.randint(1, 3)):
            at = r.randrange(len(data) + 1)
            how = r.random()
            if how < 0.35:
                data[at:at + 1] = r.choice(pieces)
            elif how < 0.7:
                data[at:at] = r.choice(pieces)
            elif how < 0.9:
                del data[at:at + r.randint(1, 4)]
            else:
                del data[at:]
        return bytes(data)


class Real(float):
    """A number that was written with a point or an exponent, and its text."""

    def __new__(cls, text):
        real = super().__new__(cls, text)
        real.exact = Decimal(text)
        return real

    def whole(self):
        return self.exact == self.exact.to_integral_value()


def strict(record):
    """(value, double) by RFC 8259, or None."""
    double = False

    def pairs(items):
        nonlocal double
        keys = [k for k, _ in items if k in WANTED]
        double = len(set(keys)) < len(keys)  # The outermost object comes last.
        return dict(items)

    def refuse(name):
        raise ValueError(name)

    try:
        text = record.decode("utf-8")
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=refuse, parse_int=float_or_int,
                           parse_float=Real)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # Refuses lone surrogates.
        return value, double
    except (ValueError, RecursionError):
        return None


def float_or_int(text):
    return int(text) if len(text) < 400 else float(text)


def depth(record):
    """Of a record that parses; not by its value, where equal keys hide one another."""
    deepest = now = 0
    for bracket in re.sub(rb'"(\\.|[^"\\])*"|[^\[\]{}"]', b"", record):
        now += 1 if bracket in b"[{" else -1
        deepest = max(deepest, now)
    return deepest


def why(record, ours, theirs):
    """The class of a difference, or None when there is no good reason for it."""
    parsed = strict(record)
    bad = ours.get("bad")
    if parsed is None:
        return "lenient" if bad and bad.startswith(("bad_json", "bad_utf8", "too_deep")) else None
    value, double = parsed
    if not isinstance(value, dict):
        return "no object" if bad and bad.startswith("bad_json: not an object") else None
    if depth(record) > 64:
        return "too deep" if bad and bad.startswith("too_deep") else None
    if double:
        return "double key"
    odd = [f for f in "wte" if isinstance(value.get(f), str) and not TIME.fullmatch(value[f])]
    if bad is None:
        inexact = [f for f in "il" if isinstance(value.get(f), Real) and abs(value[f]) >= 2**53
                   and ours["row"]["il".index(f)] == value[f].exact]
        rest = [same(a, b) for (n, _, _), a, b in zip(FIELDS, ours["row"], theirs[1]) if n not in odd + inexact]
        return None if not all(rest) else "time form" if odd else "inexact" if inexact else None
    word, detail = bad.split(": ", 1)
    field = detail.split(" ", 1)[0]
    mine = value.get(field)
    if word == "bad_time" and field in odd:
        return "time form"
    if word == "wrong_type":
        if field in "il" and isinstance(mine, Real) and not mine.whole():
            return "fraction"
        if field in "ildb" and (isinstance(mine, (str, bool)) or (field == "b" and isinstance(mine, (int, float)))):
            return "cast"
        if field == "s" and mine is not None and not isinstance(mine, str):
            return "cast"
    if word == "overflow" and field == "d" and isinstance(mine, (int, float)) and abs(mine) > 1.7976931348623157e308:
        return "infinite"
    return None


def read_duckdb(records, path):
    """For each record: whether it is JSON for DuckDB, and its values, NULL where one cannot be read."""
    con = duckdb.connect()
    con.execute("set TimeZone='UTC'; set threads=1")
    columns = "{" + ", ".join("%s: '%s'" % (n, t) for n, _, t in FIELDS) + "}"
    values = ("select i, l, d, s, b, epoch_us(w), epoch_us(t), datediff('day', date '1970-01-01', e) from "
              "read_json(?, format='newline_delimited', ignore_errors=true, columns=%s)" % columns)
    Path(path).write_bytes(b"\n".join(records) + b"\n")
    whole = [r[0] for r in con.execute(
        "select j is not null from read_ndjson_objects(?, ignore_errors=true) t(j)", [path]).fetchall()]
    assert len(whole) == len(records), (len(whole), len(records))
    # Without the others: behind some malformed records read_json returns a row twice.
    Path(path).write_bytes(b"".join(r + b"\n" for r, w in zip(records, whole) if w))
    rows = iter(con.execute(values, [path]).fetchall())
    result = [(w, next(rows) if w else None) for w in whole]
    assert next(rows, None) is None
    return result


def read_ours(dump, path):
    outputs = [subprocess.run([dump, simd, form, path] + ["%s=%s" % (n, t) for n, t, _ in FIELDS],
                              check=True, capture_output=True).stdout
               for simd in ("scalar", "best") for form in ("lines", "framed")]
    if len(set(outputs)) != 1:
        first = outputs[0].splitlines()
        for other in outputs[1:]:
            for a, b in zip(first, other.splitlines()):
                if a != b:
                    print("two ways differ:", a.decode(), b.decode())
                    break
        print("0 passed, 1 failed")
        sys.exit(1)
    return [json.loads(line) for line in outputs[0].splitlines()]


def same(a, b):
    return a == b and type(a) is type(b) or (isinstance(a, (int, float)) and isinstance(b, float) and a == b)


def agrees(record, ours, theirs):
    whole, row = theirs
    if not whole:
        return "bad" in ours
    parsed = strict(record)
    if parsed is None or not isinstance(parsed[0], dict) or parsed[1] or depth(record) > 64:
        return False  # One of the classes, or wrong.
    # Where errors are skipped, a value that DuckDB cannot read is NULL.
    failed = [n for (n, _, _), v in zip(FIELDS, row) if v is None and parsed[0].get(n) is not None]
    infinite = row[2] in (float("inf"), float("-inf"))
    if "bad" in ours:
        return bool(failed)
    return not failed and not infinite and all(same(v, w) for v, w in zip(ours["row"], row))


def main():
    dump = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    make = Generator(seed)
    records = []
    while len(records) < count:
        record = make.record()
        if make.r.random() < 0.3:
            record = make.damaged(record)
        if record.strip(b" \t\r") and b"\n" not in record:
            records.append(record)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "records.json")
        theirs = read_duckdb(records, path)
        Path(path).write_bytes(b"\n".join(records) + b"\n")
        ours = read_ours(dump, path)
    assert len(theirs) == len(records), (len(theirs), len(records))
    assert len(ours) == len(records), (len(ours), len(records))
    classes = dict.fromkeys(ALLOWED, 0)
    wrong = 0
    good = sum("row" in o for o in ours)
    for record, mine, other in zip(records, ours, theirs):
        if agrees(record, mine, other):
            continue
        name = why(record, mine, other)
        if name is not None:
            classes[name] += 1
            continue
        wrong += 1
        if wrong <= 20:
            print("unexplained:", record[:300], "\n  millrace:", mine, "\n  DuckDB:  ", other)
    for name, n in classes.items():
        print("  %-11s %6d  %s" % (name, n, ALLOWED[name]))
        if n == 0:
            print("class does not occur:", name)
            wrong += 1
    print("  %d good, %d bad, %d differ as listed" % (good, len(records) - good, sum(classes.values())))
    print("%d passed, %d failed" % (len(records) - wrong, wrong))
    sys.exit(wrong > 0)


main()
