"""Every type of a JSON column, nested ones too, against DuckDB's read_json with explicit columns.

    json_types.py JSON_DUMP [RECORDS [SEED]]

A round has columns of random types. Each value is made together with what must come of it: "same" (what
DuckDB reads, as text), "bad" (wrong for both), or a class of ALLOWED, where millrace differs on purpose.
All ways of the decoder must print the same. Ends with a line `N passed, N failed`.
"""

import json
import random
import re
import struct
import subprocess
import sys
import tempfile
from decimal import ROUND_HALF_UP, Decimal, getcontext
from pathlib import Path

import duckdb

# What is bad here and cast by DuckDB; the same list is in src/codec/json.h.
ALLOWED = {
    "cast": "a value of another type than the column's",
    "fraction": "a number that is not whole, for an integer",
    "exact": "digits behind the point of a numeric: exact here, by way of a double in DuckDB",
}
PLAIN = ["bool", "smallint", "int", "bigint", "real", "double", "numeric", "text", "uuid", "date", "time",
         "timestamp", "timestamptz", "interval", "json"]
NAMES = {"bool": "BOOLEAN", "smallint": "SMALLINT", "int": "INTEGER", "bigint": "BIGINT", "real": "FLOAT",
         "double": "DOUBLE", "text": "VARCHAR", "uuid": "UUID", "date": "DATE", "time": "TIME",
         "timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMPTZ", "interval": "INTERVAL", "json": "JSON"}
BITS = {"smallint": 15, "int": 31, "bigint": 63}


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def type(self, depth=0):
        """A type as a pair: kind, and what it is made of."""
        r = self.r
        kind = r.choice(PLAIN + (["list", "struct"] * 4 if depth < 3 else []))
        if kind == "list":
            return kind, self.type(depth + 1)
        if kind == "struct":
            return kind, [("f%d" % i, self.type(depth + 1)) for i in range(r.randint(1, 4))]
        if kind == "numeric":
            digits = r.randint(1, 38)
            return kind, (digits, r.randint(0, digits))
        return kind, None

    def space(self):
        return self.r.choice(["", "", "", " ", "\t", "  "])

    def string(self):
        r = self.r
        return "".join(r.choice(["a", "b c", "é", "\\n", "\\\"", "\\\\", "\\u0041", "'", ",", "null", "[", "{", ":",
                                 "=", " ", "(", "😀"]) for _ in range(r.choice([0, 1, 1, 2, 3, 8])))

    def json(self, depth=0):
        r = self.r
        kind = r.random()
        if depth < 4 and kind < 0.25:
            return "[" + self.space() + ("," + self.space()).join(self.json(depth + 1) for _ in range(r.randint(0, 3))) + "]"
        if depth < 4 and kind < 0.5:
            return "{" + ",".join('"%s"%s:%s' % (self.string(), self.space(), self.json(depth + 1))
                                  for _ in range(r.randint(0, 3))) + self.space() + "}"
        return r.choice([str(r.randint(-9, 9999999)), "true", "false", "null", "1.5", '"%s"' % self.string()])

    def number(self, kind):
        r = self.r
        if kind in BITS:
            n = BITS[kind]
            value = r.choice([r.randint(-2**n, 2**n - 1), r.randint(-9, 99), 2**n - 1, -2**n])
            luck = r.random()
            if luck < 0.03:
                return r.choice([str(2**n), str(-2**n - 1)]), "bad"
            if luck < 0.06:
                return str(value % 1000) + ".5", "fraction"
            if luck < 0.1:
                return "%d.0" % (value % 1000), "same"
            return str(value), "same"
        if kind == "real":
            return (r.choice(["%.3f" % r.uniform(-100, 100), repr(r.uniform(-1, 1) * 10**r.randint(-40, 37)), "0", "-7"]), "same") \
                if r.random() < 0.97 else ("1e39", "bad")
        return r.choice(["%.3f" % r.uniform(-100, 100), repr(r.uniform(-1, 1) * 10.0**r.randint(-300, 300)), "0", "-7"]), "same"

    def numeric(self, digits, scale):
        """Its class is "exact" where DuckDB's way by a double may show; then its text is ours."""
        r = self.r
        whole = str(r.randint(0, 10**r.randint(0, digits - scale + (r.random() < 0.1)) - 1))
        part = "".join(r.choice("0123456789") for _ in range(r.choice([0, 1, 2, scale, scale + 1, scale + 20])))
        text = r.choice(["", "-"]) + whole + ("." + part if part else "")
        string = r.random() < 0.3
        rounded = Decimal(text).scaleb(scale).quantize(Decimal(1), rounding=ROUND_HALF_UP)
        if abs(rounded) >= 10**digits:
            # Rounding down by way of a double may make it fit there.
            return '"%s"' % text if string else text, "bad" if string or not part else "cast"
        if string or not part:
            return '"%s"' % text if string else text, "same"
        out = format(rounded.scaleb(-scale) + 0, "f")
        if digits == scale:
            out = out.replace("0.", ".", 1)
        return text, ("exact", out)

    def text_of(self, kind):
        r = self.r
        if kind == "uuid":
            text = "%032x" % r.getrandbits(128)
            if r.random() < 0.7:
                text = "-".join([text[:8], text[8:12], text[12:16], text[16:20], text[20:]])
            text = r.choice([text, text, text.upper(), "{%s}" % text])
            return (text, "same") if r.random() < 0.96 else (text[:-1] if text[-1] != "}" else text + "}", "bad")
        clock = "%02d:%02d:%02d" % (r.randint(0, 23), r.randint(0, 59), r.randint(0, 59))
        clock += r.choice(["", "", ".5", ".123", ".123456", ".1234567"])
        day = "%04d-%02d-%02d" % (r.randint(1900, 2100), r.randint(1, 12), r.randint(1, 28))
        if kind == "interval":
            return r.choice([("%d days" % r.randint(-9, 99), "same"), ("1 year %d months" % r.randint(0, 30), "same"),
                             ("%d hours 5 minutes" % r.randint(0, 99), "same"), ("2 weeks 01:02:03.5", "same"), ("soon", "bad")])
        if r.random() < 0.04:
            return r.choice(["x", "", "25:00:00"]), "bad"
        return {"date": day, "time": clock, "timestamp": day + "T" + clock, "timestamptz": day + " " + clock + "Z"}[kind], "same"

    def other(self, kind):
        """A value of another type, which no column of this kind takes."""
        r = self.r
        kinds = {"bool": ['"maybe"', "5", "[]"], "text": ["5", "true", "[1]"], "list": ["5", '"x"', "{}"], "struct": ["5", '"x"', "[]"],
                 "numeric": ["true", "[]", "{}"], "json": []}
        number = kind in BITS or kind in ("real", "double")
        return r.choice(kinds.get(kind, ['"5"', "true", "{}"] if number else ["5", "true", "[1]"]))

    def value(self, type):
        """Its text and what must come of it."""
        r = self.r
        kind, of = type
        luck = r.random()
        if luck < 0.05:
            return "null", "same"
        if luck < 0.06 and kind != "json":
            return self.other(kind), "cast"
        if kind == "list":
            parts = [self.value(of) for _ in range(r.choice([0, 1, 2, 3]))]
            return "[" + self.space() + ("," + self.space()).join(p for p, _ in parts) + self.space() + "]", worst(c for _, c in parts)
        if kind == "struct":
            fields = [f for f in of if r.random() < 0.9]
            if r.random() < 0.3:
                r.shuffle(fields)
            parts = [(n,) + self.value(t) for n, t in fields]
            if r.random() < 0.2:
                parts.insert(r.randint(0, len(parts)), ("other", self.json(), "same"))
            return "{" + ("," + self.space()).join('"%s"%s:%s%s' % (n, self.space(), self.space(), p) for n, p, _ in parts) + "}", \
                worst(c for _, _, c in parts)
        if kind == "json":
            return self.json(), "same"
        if kind == "text":
            return '"%s"' % self.string(), "same"
        if kind == "bool":
            return r.choice(["true", "false"]), "same"
        if kind == "numeric":
            return self.numeric(*of)
        if kind in BITS or kind in ("real", "double"):
            return self.number(kind)
        text, expected = self.text_of(kind)
        return '"%s"' % text, expected


def worst(classes):
    """What comes of a value with such parts. Exact ones inside of others are not compared."""
    classes = [c[0] if isinstance(c, tuple) else c for c in classes]
    for c in ("cast", "fraction", "bad", "exact"):
        if c in classes:
            return c
    return "same"


def spell(type, ours):
    kind, of = type
    if kind == "list":
        return spell(of, ours) + "[]"
    if kind == "struct":
        sign, name = (":", "struct") if ours else (" ", "STRUCT")
        return name + "(" + ",".join(n + sign + spell(t, ours) for n, t in of) + ")"
    if kind == "numeric":
        return ("numeric" if ours else "DECIMAL") + "(%d,%d)" % of
    return kind if ours else NAMES[kind]


def read_ours(dump, path, columns):
    outputs = [subprocess.run([dump, simd, form, path] + ["%s=%s" % (n, spell(t, True)) for n, t in columns],
                              check=True, capture_output=True).stdout for simd in ("scalar", "best") for form in ("lines", "framed")]
    assert len(set(outputs)) == 1, "two ways of the decoder differ"
    return [json.loads(line) for line in outputs[0].splitlines()]


def read_duckdb(path, columns):
    con = duckdb.connect()
    con.execute("set TimeZone='UTC'; set threads=1")
    form = {"date": "datediff('day', date '1970-01-01', %s)", "timestamp": "epoch_us(%s)", "timestamptz": "epoch_us(%s)",
            "bool": "%s", "int": "%s", "bigint": "%s", "double": "%s", "text": "%s"}
    names = "{" + ", ".join("%s: '%s'" % (n, spell(t, False)) for n, t in columns) + "}"
    values = ", ".join(form.get(t[0], "%s::varchar") % n for n, t in columns)
    return con.execute("select %s from read_json(?, format='newline_delimited', ignore_errors=true, columns=%s)" % (values, names),
                       [path]).fetchall()


def narrow(text):
    """Text with its numbers as floats: near the middle of two floats DuckDB prints more digits than it must."""
    return re.sub(r"-?[0-9]+\.[0-9]+(e[+-][0-9]+)?", lambda m: repr(struct.unpack("f", struct.pack("f", float(m[0])))[0]), text)


def right(expected, value, type, mine, theirs):
    if isinstance(expected, tuple):
        return mine == expected[1]
    if expected == "exact":
        return mine is not None  # Inside of a list or struct.
    if "real" in spell(type, True) and isinstance(mine, str) and isinstance(theirs, str):
        return narrow(mine) == narrow(theirs)
    return mine == theirs or (isinstance(mine, (int, float)) and isinstance(theirs, float) and mine == theirs)


def main():
    getcontext().prec = 2000
    dump = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 40000
    make = Generator(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    passed = wrong = 0
    classes = dict.fromkeys(list(ALLOWED) + ["bad", "same"], 0)
    while passed + wrong < count:
        columns = [("c%d" % i, make.type()) for i in range(make.r.randint(1, 4))]
        rows = [[make.value(t) for _, t in columns] for _ in range(1000)]
        records = ["{" + ", ".join('"%s": %s' % (n, v) for (n, _), (v, _) in zip(columns, row)) + "}" for row in rows]
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "records.json")
            Path(path).write_text("\n".join(records) + "\n")
            ours, theirs = read_ours(dump, path, columns), read_duckdb(path, columns)
        assert len(ours) == len(theirs) == len(rows), (len(ours), len(theirs), columns)
        for record, row, mine, other in zip(records, rows, ours, theirs):
            whole = worst(c for _, c in row)
            classes[whole] += 1
            if whole in ("same", "exact"):
                good = "row" in mine and all(right(c, v, t, a, b) for (v, c), (_, t), a, b in zip(row, columns, mine["row"], other))
            elif whole == "bad":  # NULL, where DuckDB skips errors; also inside of lists and structs.
                good = "bad" in mine and any((b is None or "NULL" in str(b)) and v != "null" for (v, _), b in zip(row, other))
            else:
                good = "bad" in mine and mine["bad"].startswith(("wrong_type", "bad_time", "overflow"))
            passed += good
            wrong += not good
            if not good and wrong <= 10:
                print("unexplained:", columns, record[:300], "\n  expected", whole, "\n  millrace", mine, "\n  DuckDB  ", other)
    for name, n in classes.items():
        print("  %-9s %6d  %s" % (name, n, ALLOWED.get(name, "")))
        wrong += n == 0
    print("%d passed, %d failed" % (passed, wrong))
    sys.exit(wrong > 0)


main()
