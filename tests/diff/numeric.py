"""Exact decimals against Python's decimal module, and those made of doubles against DuckDB.

    numeric.py NUMERIC_DUMP [CASES [SEED]]

Ends with a line `N passed, N failed`.
"""

import random
import struct
import subprocess
import sys
from decimal import ROUND_HALF_UP, Decimal, getcontext
from fractions import Fraction

import duckdb

REFUSED = "refused"


def given(value, digits, scale):
    """An exact Decimal as a column of this type prints it, digits behind the scale rounded."""
    rounded = value.scaleb(scale).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    if abs(rounded) >= 10**digits:
        return REFUSED
    return format(rounded.scaleb(-scale) + 0, "f")


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def type(self):
        digits = self.r.randint(1, 38)
        return digits, self.r.randint(0, digits)

    def integer(self, digits=38):
        r = self.r
        n = r.randint(0, digits)
        value = r.choice([r.randint(0, 10**n - 1), 10**n - 1, 10**n // 2, r.randint(0, 99) * 10**max(n - 2, 0)])
        return min(value, 10**digits - 1) * r.choice([1, -1])

    def text(self):
        r = self.r
        whole = str(self.integer(r.randint(0, 40) if r.random() < 0.2 else 12)).lstrip("-")
        part = "".join(r.choice("0123456789" if r.random() < 0.7 else "059") for _ in range(r.choice([0, 1, 2, 3, 9, 40])))
        text = r.choice(["", "", "-", "+"]) + r.choice(["", "", "000"]) + whole
        if part or r.random() < 0.1:
            text += "." + part
        if r.random() < 0.3:
            text += r.choice("eE") + r.choice(["", "+", "-"]) + str(r.choice([r.randint(0, 45), r.randint(0, 9), 400]))
        return r.choice(["", " "]) + text + r.choice(["", " "])

    def case(self):
        """A line for the dump, and what is to come out."""
        r = self.r
        kind = r.choice(["parse", "parse", "rescale", "add", "mul", "double", "float"])
        if kind == "parse":
            digits, scale = self.type()
            text = self.text()
            return ["parse", digits, scale, text], given(Decimal(text.strip()), digits, scale)
        if kind == "rescale":
            value, scale, (digits, to_scale) = self.integer(), r.randint(0, 38), self.type()
            out = given(Decimal(value).scaleb(-scale), digits, to_scale)
            if out != REFUSED:
                out = str(int(Decimal(out).scaleb(to_scale)))
            return ["rescale", value, scale, to_scale, digits], out
        if kind in ("add", "mul"):
            most = 38 if kind == "add" else r.choice([10, 19, 20, 38])
            a, b = self.integer(most), self.integer(most)
            out = a + b if kind == "add" else a * b
            return [kind, a, b], str(out) if abs(out) < 10**38 else REFUSED
        value, scale = self.integer(), r.randint(0, 38)
        if r.random() < 0.3 and kind == "double":  # Near the middle of two doubles.
            value = ((2**53 + r.randint(0, 2**52)) * 2 + 1) * 2**r.randint(0, 60) + r.randint(-1, 1)
            value %= 10**38
        # Python's division of integers is correctly rounded; float32 is checked by its neighbours.
        return [kind, value, scale], Fraction(value, 10**scale)


def right(kind, out, expected):
    if kind == "double":
        return float.fromhex(out) == expected.numerator / expected.denominator
    if kind == "float":
        # Nearer than both neighbours; signs apart, bits are ordered as floats are.
        value, = struct.unpack("i", struct.pack("f", abs(float.fromhex(out))))
        around = [abs(Fraction(struct.unpack("f", struct.pack("i", v))[0]) - abs(expected)) for v in (value - 1, value, value + 1) if v >= 0]
        return min(around) == around[-2] and (float.fromhex(out) < 0) == (expected < 0)
    return out == expected


def run(dump, lines):
    text = "".join("\t".join(map(str, line)) + "\n" for line in lines)
    return subprocess.run([dump], input=text.encode(), check=True, capture_output=True).stdout.decode().splitlines()


def from_doubles(make, count):
    """Doubles and floats to decimals: what DuckDB makes of them."""
    con = duckdb.connect()
    for _ in range(count):
        kind = make.r.choice(["from", "fromf"])
        digits, scale = make.type()
        value = make.r.choice([make.r.uniform(-1000, 1000), round(make.r.uniform(0, 100), 3), make.r.randint(0, 99) + 0.5,
                               make.r.uniform(-1, 1) * 10.0 ** make.r.randint(-10, 38)])
        if kind == "fromf":
            value, = struct.unpack("f", struct.pack("f", value))
        out = con.execute("select try_cast(?::%s as decimal(%d,%d))" % ("float" if kind == "fromf" else "double", digits, scale),
                          [value]).fetchone()[0]
        yield [kind, digits, scale, repr(value)], REFUSED if out is None else format(out + 0, "f")


def main():
    getcontext().prec = 2000
    dump = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100000
    make = Generator(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    cases = [make.case() for _ in range(count)] + list(from_doubles(make, count // 20))
    out = run(dump, [line for line, _ in cases])
    assert len(out) == len(cases), (len(out), len(cases))
    wrong = 0
    for (line, expected), got in zip(cases, out):
        if not right(line[0], got, expected):
            wrong += 1
            if wrong <= 20:
                print("wrong:", line, "gives", got, "and not", expected)
    print("%d passed, %d failed" % (len(cases) - wrong, wrong))
    sys.exit(wrong > 0)


main()
