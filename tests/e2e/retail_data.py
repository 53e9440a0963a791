"""Retail events with a known fate: which rows count, which are late, copies, from the future, or malformed.

The rows are made in the order of one clock and dealt to partitions. Each partition's watermark is followed
row by row as the design states it (greatest event time of the partition's earlier rows, less the delay), so
the fate of a row is a fact about the data, whoever reads it and in whatever pieces. Rows whose fate would
depend on who reads first are not made: a copy in another partition is on time in both, or wholly late there.

    retail_data.py --events 100000 --partitions 3 --seed 7 --out DIR     for a look by eye
"""

import argparse
import collections
import json
import os
import random

import pyarrow as pa
import pyarrow.compute

SECOND = 1_000_000
START_US = 1_767_225_600 * SECOND  # 2026-01-01T00:00:00Z
DELAY_US = 30 * SECOND
SIZE_US = 60 * SECOND
SLIDE_US = 30 * SECOND
TTL_US = 3600 * SECOND
FUTURE_US = 4_102_444_800 * SECOND  # 2100-01-01: ahead of any clock that runs the tests
DISORDER_US = 20 * SECOND

GOOD, DUP, LATE, BAD, FUTURE = "good", "dup", "late", "bad", "future"

COUNTRIES = ["in"] * 6 + ["IN"] * 6 + ["US"] * 4 + ["us", "De", "de", "GB", "fr", None]
DEVICES = ["mobile", " Mobile ", "Desktop", "tablet\t", "MOBILE", None]


def iso(us, digits=3):
    """UTC in ISO 8601 with a Z. digits of the second's fraction: 0, 3 or 6."""
    days, rest = divmod(us, 86_400 * SECOND)
    # Civil date from days (Hinnant); datetime is several times slower, and this runs for each row.
    z = days + 719_468
    era, doe = divmod(z, 146_097)
    yoe = (doe - doe // 1460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = mp + 3 if mp < 10 else mp - 9
    year = yoe + era * 400 + (month <= 2)
    seconds, fraction = divmod(rest, SECOND)
    text = (f"{year:04d}-{month:02d}-{doy - (153 * mp + 2) // 5 + 1:02d}"
            f"T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}")
    if digits:
        text += f".{fraction:06d}"[: digits + 1]
    return text + "Z"


class Clock:
    """One partition's event time, as its rows are read in order."""

    def __init__(self, size_us=SIZE_US, slide_us=SLIDE_US, delay_us=DELAY_US):
        self.size_us, self.slide_us, self.delay_us = size_us, slide_us, delay_us
        self.greatest_us = None

    def watermark(self):
        return None if self.greatest_us is None else self.greatest_us - self.delay_us

    def ends(self, event_us):
        """The ends of the windows that hold event_us, least first."""
        last_start = event_us // self.slide_us * self.slide_us
        starts = range(last_start, event_us - self.size_us, -self.slide_us)
        return sorted(start + self.size_us for start in starts)

    def missed(self, event_us):
        """How many of those windows have closed."""
        watermark = self.watermark()
        return 0 if watermark is None else sum(watermark >= end for end in self.ends(event_us))

    def pass_on(self, event_us):
        if self.greatest_us is None or event_us > self.greatest_us:
            self.greatest_us = event_us


FIELDS = ["partition", "position", "line", "kind", "cls", "missed", "watermark_us", "event_id", "user_id",
          "product_id", "amount", "country", "device", "event_us"]
SCHEMA = pa.schema([
    ("partition", pa.int32()), ("position", pa.int64()), ("line", pa.binary()), ("kind", pa.string()),
    ("cls", pa.string()), ("missed", pa.int8()), ("watermark_us", pa.int64()), ("event_id", pa.string()),
    ("user_id", pa.int32()), ("product_id", pa.int32()), ("amount", pa.float64()), ("country", pa.string()),
    ("device", pa.string()), ("event_us", pa.int64())])


class Known:
    """The rows of all partitions, and what becomes of each."""

    def __init__(self, partitions, columns, schema=SCHEMA):
        self.partitions = partitions
        self.table = pa.table([pa.array(columns[name], schema.field(name).type) for name in schema.names],
                              schema=schema)
        self.lines = [[] for _ in range(partitions)]
        for partition, line in zip(columns["partition"], columns["line"]):
            self.lines[partition].append(line)

    def of(self, *classes):
        """The rows of these classes."""
        return self.table.filter(pa.compute.is_in(self.table["cls"], value_set=pa.array(classes)))

    def listed_late(self):
        """The rows that belong in the late table: late for a window at least, or from the future."""
        return self.table.filter(pa.compute.or_(pa.compute.greater(self.table["missed"], 0),
                                                pa.compute.equal(self.table["cls"], FUTURE)))

    def counts(self):
        return collections.Counter(self.table["cls"].to_pylist())

    def write(self, folder, name="events"):
        """One file a partition; ret: their paths."""
        os.makedirs(folder, exist_ok=True)
        paths = []
        for p, lines in enumerate(self.lines):
            paths.append(os.path.join(folder, f"{name}-{p}.jsonl"))
            with open(paths[-1], "wb") as out:
                out.write(b"".join(line + b"\n" for line in lines))
        return paths

    def byte_offsets(self, partition):
        """Where each line of that partition's file begins."""
        offsets, at = [], 0
        for line in self.lines[partition]:
            offsets.append(at)
            at += len(line) + 1
        return offsets


def generate(events, partitions, seed, future=False, hours=3.0, skew_us=0, dirt=1.0):
    """Makes the rows.

    future    with rows from the future (they count as such only where max_future_skew is in force)
    hours     of event time; the last tenth of it holds more than half of the rows
    skew_us   the last partition's clock is that far behind the others'
    dirt      factor on the shares of late, malformed and odd rows
    """
    return _Maker(events, partitions, seed, future, hours, skew_us, dirt).run()


class _Maker:
    def __init__(self, events, partitions, seed, future, hours, skew_us, dirt):
        self.random = random.Random(seed)
        self.events, self.partitions, self.future, self.dirt = events, partitions, future, dirt
        self.span_us = int(hours * 3600 * SECOND)
        self.skew_us = [0] * partitions
        if partitions > 1:
            self.skew_us[-1] = skew_us
        self.clocks = [Clock() for _ in range(partitions)]
        self.first_seen = {}  # event id -> event time, until it has expired
        self.recent = collections.deque(maxlen=2000)  # plain rows on time: what a copy may be made of
        self.old = collections.deque(maxlen=2000)     # the same, older: copies of them are late
        self.reusable = [[] for _ in range(partitions)]  # (id, first seen): never copied elsewhere
        self.on_edge = set()  # Partitions whose watermark was just put on the edge of a window
        self.columns = {name: [] for name in FIELDS}
        self.positions = [0] * partitions

    def run(self):
        weights = [3] + [2] * (self.partitions - 1)
        picks = self.random.choices(range(self.partitions), weights, k=self.events)
        for i, p in enumerate(picks):
            # The first 40 % of the rows cover 90 % of the time: quiet windows, then full ones.
            part = i / self.events
            done = part / 0.4 * 0.9 if part < 0.4 else 0.9 + (part - 0.4) / 0.6 * 0.1
            self._row(p, START_US + int(done * self.span_us) - self.skew_us[p])
        return Known(self.partitions, self.columns)

    def _row(self, p, clock_us):
        if p in self.on_edge and self._edge(p):
            return
        dice = self.random.random()
        late, odd = 0.02 * self.dirt, 0.02 * self.dirt
        if dice < 0.05 and self._copy(p):
            return
        if 0.05 <= dice < 0.05 + late:
            dice = self.random.random()
            if dice < 0.25 and self._late_copy(p):
                return
            if dice < 0.45 and self._edge(p):
                return
            event_us = clock_us - self.random.randrange(31 * SECOND, 240 * SECOND)
            self._plain(p, event_us, "lagging")
        elif 0.05 + late <= dice < 0.05 + late + odd:
            dice = self.random.random()
            if dice < 0.4:
                self._malformed(p, clock_us)
            elif dice < 0.5 and self.future:
                self._plain(p, FUTURE_US + self.random.randrange(10**12), "future")
            elif dice < 0.65 and self._reuse(p, clock_us):
                pass
            else:
                self._odd(p, clock_us)
        else:
            event_us = clock_us - self.random.randrange(DISORDER_US)
            if self.random.random() < 0.05:
                event_us = event_us // SECOND * SECOND  # Whole seconds meet the windows' edges.
            self._plain(p, event_us, "plain")

    # ---- what kinds of rows there are ----

    def _fields(self, event_us):
        r = self.random
        return {
            "event_id": "{:08x}-{:04x}-{:04x}-{:05x}".format(
                r.getrandbits(32), r.getrandbits(16), r.getrandbits(16), r.getrandbits(20)),
            "user_id": r.randint(1, 410), "product_id": r.randint(1, 104),
            "amount": None if r.random() < 0.02 else r.randint(100, 50_000) / 100,
            "country": r.choice(COUNTRIES), "device": r.choice(DEVICES), "event_us": event_us}

    def _plain(self, p, event_us, kind):
        fields = self._fields(event_us)
        line = text(fields)
        on_time = self._add(p, line, kind, fields) == (GOOD, 0)
        if kind == "plain" and on_time:
            if self.random.random() < 0.01:
                self.reusable[p].append((fields["event_id"], event_us))
            else:
                if len(self.recent) == self.recent.maxlen:
                    self.old.append(self.recent[0])
                self.recent.append((p, line, fields))

    def _copy(self, p):
        """An exact copy of a row that was on time, on time here too (in its own partition: in any case)."""
        if not self.recent:
            return False
        for _ in range(4):  # Mostly of a row of the last seconds.
            back = int(len(self.recent) * self.random.random() ** 4)
            origin, line, fields = self.recent[-1 - back]
            if origin == p or self._welcome(p, fields["event_us"]):
                break
        else:
            return False
        self._add(p, line, "copy" if origin == p else "copy elsewhere", fields)
        return True

    def _late_copy(self, p):
        """An exact copy that comes when all windows have closed: it must not hide the one on time."""
        if not self.old:
            return False
        origin, line, fields = self.random.choice(self.old)
        if self.clocks[p].missed(fields["event_us"]) < 2:
            return False
        self._add(p, line, "late copy" if origin == p else "late copy elsewhere", fields)
        return True

    def _welcome(self, p, event_us):
        clock = self.clocks[p]
        return (clock.greatest_us is not None and clock.missed(event_us) == 0
                and event_us <= clock.greatest_us + SECOND)

    def _edge(self, p):
        """A row whose one window, or both, closed at this very watermark, or a microsecond beside it."""
        clock = self.clocks[p]
        if clock.greatest_us is None:
            return False
        to_go_us = -clock.greatest_us % SLIDE_US
        if to_go_us < 2 * SECOND and p not in self.on_edge:  # Puts the watermark on an edge; the next row uses it.
            self.on_edge.add(p)
            self._add_fields(p, clock.greatest_us + to_go_us, "edge")
            return True
        self.on_edge.discard(p)
        end = clock.watermark() // SLIDE_US * SLIDE_US  # The last window that has closed.
        off = self.random.choice([-1, 0, 0, 1])
        start = end - self.random.choice([0, SLIDE_US, SIZE_US])
        self._add_fields(p, start + off, "edge")
        return True

    def _add_fields(self, p, event_us, kind):
        fields = self._fields(event_us)
        self._add(p, text(fields, digits=6), kind, fields)

    def _reuse(self, p, clock_us):
        """An id once more with another content: a copy within the state's time to live, else a new row."""
        if not self.reusable[p]:
            return False
        watermark = self.clocks[p].watermark()
        self.reusable[p] = self.reusable[p][-500:]
        event_id, first_us = self.random.choice(self.reusable[p][: max(1, len(self.reusable[p]) // 2)])
        if abs(first_us + TTL_US - watermark) < 120 * SECOND and self.random.random() < 0.5:
            return False
        fields = dict(self._fields(clock_us - self.random.randrange(DISORDER_US)), event_id=event_id)
        if self.clocks[p].missed(fields["event_us"]):
            return False
        self._add(p, text(fields), "id again", fields)
        return True

    def _odd(self, p, clock_us):
        """Valid, but seldom written so."""
        event_us = clock_us - self.random.randrange(DISORDER_US)
        fields = self._fields(event_us)
        maker = self.random.choice(ODD)
        line, changed = maker(fields)
        self._add(p, line, f"odd {maker.__name__}", {**fields, **changed})

    def _malformed(self, p, clock_us):
        fields = self._fields(clock_us - self.random.randrange(DISORDER_US))
        name, maker = self.random.choice(BAD_KINDS)
        self._append(p, maker(fields), f"bad {name}", BAD, 0, None, dict.fromkeys(fields))

    # ---- the fate ----

    def _add(self, p, line, kind, fields):
        """Adds a well-formed row; ret: its class and how many windows it missed."""
        clock, event_us, event_id = self.clocks[p], fields["event_us"], fields["event_id"]
        watermark, missed = clock.watermark(), clock.missed(event_us)
        if event_us >= FUTURE_US:  # Moves no watermark and misses no window.
            cls, missed = FUTURE, 0
        else:
            clock.pass_on(event_us)
            first_us = self.first_seen.get(event_id)
            if missed == len(clock.ends(event_us)):
                cls = LATE
            elif first_us is not None and (watermark is None or first_us + TTL_US >= watermark):
                cls = DUP
            else:
                cls = GOOD
                self.first_seen[event_id] = event_us
        self._append(p, line, kind, cls, missed, watermark, fields)
        return cls, missed

    def _append(self, p, line, kind, cls, missed, watermark, fields):
        c = self.columns
        c["partition"].append(p)
        c["position"].append(self.positions[p])
        self.positions[p] += 1
        c["line"].append(line)
        c["kind"].append(kind)
        c["cls"].append(cls)
        c["missed"].append(missed)
        c["watermark_us"].append(watermark)
        for name in FIELDS[7:]:
            c[name].append(fields[name])


# ---- how a row is written --------------------------------------------------------------------------


def _quoted(value):
    return "null" if value is None else f'"{value}"' if value.isalnum() else json.dumps(value)


def text(fields, digits=3):
    """As Python's json.dumps writes it."""
    micros = fields["event_us"]
    if digits == 3:
        fields["event_us"] = micros = micros // 1000 * 1000
    amount = "null" if fields["amount"] is None else repr(fields["amount"])
    return (f'{{"event_id": "{fields["event_id"]}", "user_id": {fields["user_id"]}, '
            f'"product_id": {fields["product_id"]}, "amount": {amount}, "country": {_quoted(fields["country"])}, '
            f'"device": {_quoted(fields["device"])}, "event_time": "{iso(micros, digits)}"}}').encode()


def _document(fields, digits=3):
    if digits == 3:
        fields["event_us"] = fields["event_us"] // 1000 * 1000
    document = {k: v for k, v in fields.items() if k != "event_us"}
    document["event_time"] = iso(fields["event_us"], digits)
    return document


def _dump(document, **how):
    return json.dumps(document, **how).encode()


def reordered(f):
    d = _document(f)
    return _dump({k: d[k] for k in sorted(d, reverse=True)}), {}


def extra_fields(f):
    d = {"meta": {"a": [1, {"event_id": "not this one"}, "}\""], "b": None}, **_document(f),
         "tags": ["x", "\\", "\"{"], "n": -1.5e-7}
    return _dump(d), {}


def unread_device(f):
    """No query reads the device, so what type it has does not matter."""
    return _dump(dict(_document(f), device={"os": "x", "at": [f["user_id"]]})), {"device": None}


def deep_field(f):
    return _dump(_document(f))[:-1] + b', "deep": ' + b"[" * 40 + b"]" * 40 + b"}", {}


def missing_fields(f):
    d = _document(f)
    for name in ("amount", "country", "device"):
        del d[name]
    return _dump(d), {"amount": None, "country": None, "device": None}


def unknown_user(f):
    return _dump(dict(_document(f), user_id=2147483647, product_id=-2147483648)), {
        "user_id": 2147483647, "product_id": -2147483648}


def whole_user(f):
    d = _document(f)
    return _dump(d).replace(b'"user_id": %d' % d["user_id"], b'"user_id": %d.0' % d["user_id"]).replace(
        b'"product_id": ', b'"product_id": 1e2, "was": '), {"product_id": 100}


def null_user(f):
    return _dump(dict(_document(f), user_id=None)), {"user_id": None}


def compact(f):
    return _dump(_document(f), separators=(",", ":")), {}


def spaced(f):
    return b" \t" + _dump(_document(f), separators=(" ,  ", "\t: ")) + b"  \r", {}


def escaped_key(f):
    return _dump(_document(f)).replace(b'"user_id"', b'"\\u0075ser\\u005fid"'), {}


def key_twice(f):
    return _dump(_document(f))[:-1] + b', "amount": 77.25}', {"amount": 77.25}


def escaped_text(f):
    line = _dump(dict(_document(f), device="", country="")).replace(
        b'"country": ""', b'"country": "\\u0069\\u006E"').replace(
        b'"device": ""', b'"device": "\\ud83d\\ude00 \\"q\\" \\\\ \\/ \\n"')
    return line, {"country": "in", "device": '\U0001f600 "q" \\ / \n'}


def plain_unicode(f):
    return _dump(dict(_document(f), country="são", device="küche"), ensure_ascii=False), {
        "country": "são", "device": "küche"}


def country_as_path(f):
    country = ["a/b", "x=y", "100%", "côte d'ivoire", "..", "a b"][f["user_id"] % 6]
    return _dump(dict(_document(f), country=country)), {"country": country}


def whole_amount(f):
    return _dump(_document(f)).replace(b'"amount": ', b'"amount": 1200, "was": '), {"amount": 1200.0}


def exponent_amount(f):
    return _dump(_document(f)).replace(b'"amount": ', b'"amount": 1.25E+2, "was": '), {"amount": 125.0}


def long_amount(f):
    return (_dump(_document(f)).replace(b'"amount": ', b'"amount": 12.3400000000000000001, "was": '),
            {"amount": 12.34})


def time_in_zone(f):
    d = _document(f)
    local = iso(f["event_us"] + 330 * 60 * SECOND)[:-1] + "+05:30"
    return _dump(dict(d, event_time=local)), {}


def time_without_zone(f):
    d = _document(f)  # Read in the session's zone, Asia/Kolkata.
    return _dump(dict(d, event_time=iso(f["event_us"] + 330 * 60 * SECOND)[:-1])), {}


def time_in_micros(f):
    f["event_us"] += 7 - f["event_us"] % 10
    return _dump(_document(f, digits=6)), {}


def time_in_seconds(f):
    f["event_us"] = f["event_us"] // SECOND * SECOND
    return _dump(dict(_document(f), event_time=iso(f["event_us"], 0))), {}


ODD = [reordered, extra_fields, unread_device, deep_field, missing_fields, unknown_user, whole_user, null_user, compact, spaced, escaped_key,
       key_twice, escaped_text, plain_unicode, country_as_path, whole_amount, exponent_amount, long_amount,
       time_in_zone, time_without_zone, time_in_micros, time_in_seconds]


def _with(name, raw):
    """A row in which a field's value is these bytes."""
    def make(f):
        d = _document(f)
        d[name] = "@@"
        return _dump(d).replace(b'"@@"', raw)
    return make


def _without(name):
    def make(f):
        d = _document(f)
        del d[name]
        return _dump(d)
    return make


def _constant(raw):
    return lambda f: raw


BAD_KINDS = [
    ("word", _constant(b"hello")),
    ("array", lambda f: b"[" + text(f) + b"]"), ("string", _constant(b'"event"')), ("number", _constant(b"42")),
    ("null", _constant(b"null")), ("true", _constant(b"true")), ("no fields", _constant(b"{}")),
    ("half", lambda f: text(f)[: len(text(f)) // 2]), ("no brace", lambda f: text(f)[:-1]),
    ("one byte", _constant(b"{")), ("in a string", lambda f: text(f)[:20]),
    ("two objects", lambda f: text(f) + b" " + text(f)), ("tail", lambda f: text(f) + b" x"),
    ("comma at end", lambda f: text(f)[:-1] + b",}"), ("no comma", lambda f: text(f).replace(b", ", b" ", 1)),
    ("no colon", lambda f: text(f).replace(b": ", b" ", 1)), ("single quotes", lambda f: text(f).replace(b'"', b"'")),
    ("bare key", lambda f: text(f).replace(b'"user_id"', b"user_id")),
    ("control byte", _with("device", b'"a\x01b"')), ("bad escape", _with("device", b'"a\\xb"')),
    ("half escape", _with("device", b'"\\u12"')), ("nan", _with("amount", b"NaN")),
    ("leading zero", _with("amount", b"012.5")), ("plus", _with("amount", b"+1.5")), ("dot", _with("amount", b".5")),
    ("hex", _with("user_id", b"0x10")),
    ("user text", _with("user_id", b'"12"')), ("user half", _with("user_id", b"12.5")),
    ("user object", _with("user_id", b"{}")), ("user over", _with("user_id", b"2147483648")),
    ("user under", _with("user_id", b"-2147483649")), ("user far over", _with("user_id", b"9" * 40)),
    ("product true", _with("product_id", b"true")), ("product over", _with("product_id", b"4294967297")),
    ("amount text", _with("amount", b'"12.5"')), ("amount true", _with("amount", b"false")),
    ("amount array", _with("amount", b"[1]")), ("amount over", _with("amount", b"1e999")),
    ("country number", _with("country", b"7")), ("country object", _with("country", b'{"code": "IN"}')),
    ("id number", _with("event_id", b"17")),
    ("utf-8 ff", _with("device", b'"a\xffb"')), ("utf-8 cut", _with("country", b'"\xe2\x82"')),
    ("utf-8 overlong", _with("country", b'"\xc0\xaf"')), ("utf-8 surrogate", _with("event_id", b'"\xed\xa0\x80"')),
    ("no time", _without("event_time")), ("null time", _with("event_time", b"null")),
    ("time empty", _with("event_time", b'""')), ("time word", _with("event_time", b'"yesterday"')),
    ("time month", _with("event_time", b'"2026-13-01T00:00:00Z"')),
    ("time day", _with("event_time", b'"2026-02-30T00:00:00Z"')),
    ("time hour", _with("event_time", b'"2026-01-01T25:00:00Z"')),
    ("time tail", _with("event_time", b'"2026-01-01T00:00:00Zz"')),
    ("time number", _with("event_time", b"1767225600")),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--partitions", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    known = generate(args.events, args.partitions, args.seed)
    for path in known.write(args.out):
        print(path)
    print(dict(known.counts()), "late for a window:", known.listed_late().num_rows)


if __name__ == "__main__":
    main()
