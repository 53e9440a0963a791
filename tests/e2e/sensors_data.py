"""Sensor readings with a known fate: on time, late for their one window, or malformed."""

import random

import pyarrow as pa

from retail_data import BAD, DELAY_US, GOOD, LATE, SECOND, START_US, Clock, Known, iso

SIZE_US = 10 * SECOND
FIELDS = ["partition", "position", "line", "kind", "cls", "missed", "watermark_us", "id", "event_us", "value",
          "source"]
SCHEMA = pa.schema([
    ("partition", pa.int32()), ("position", pa.int64()), ("line", pa.binary()), ("kind", pa.string()),
    ("cls", pa.string()), ("missed", pa.int8()), ("watermark_us", pa.int64()), ("id", pa.int32()),
    ("event_us", pa.int64()), ("value", pa.float64()), ("source", pa.string())])


def _line(reading, **raw):
    values = {"id": str(reading["id"]), "ts": f'"{reading["text"]}"', "value": repr(reading["value"]),
              "source": "null" if reading["source"] is None else f'"{reading["source"]}"', **raw}
    return ("{" + ", ".join(f'"{k}": {v}' for k, v in values.items() if v is not None) + "}").encode()


BAD_KINDS = [
    ("id null", lambda r: _line(r, id="null")), ("id missing", lambda r: _line(r, id=None)),
    ("id text", lambda r: _line(r, id='"3"')), ("id half", lambda r: _line(r, id="0.5")),
    ("id over", lambda r: _line(r, id="4294967296")), ("ts null", lambda r: _line(r, ts="null")),
    ("ts missing", lambda r: _line(r, ts=None)), ("ts word", lambda r: _line(r, ts='"soon"')),
    ("value null", lambda r: _line(r, value="null")), ("value missing", lambda r: _line(r, value=None)),
    ("value text", lambda r: _line(r, value='"1"')), ("value over", lambda r: _line(r, value="-1e400")),
    ("source number", lambda r: _line(r, source="5")), ("half", lambda r: _line(r)[:30]),
    ("array", lambda r: b"[]"),
    ("utf-8", lambda r: _line(r, source='"?"').replace(b"?", b"\xfe")),
]


def generate(readings, partitions, seed, rows_per_second=50):
    """Makes the rows; the columns of the result's table are FIELDS."""
    r = random.Random(seed)
    columns = {name: [] for name in FIELDS}
    clocks = [Clock(SIZE_US, SIZE_US, DELAY_US) for _ in range(partitions)]
    positions = [0] * partitions

    def append(p, *values):
        for name, value in zip(FIELDS, (p, positions[p], *values)):
            columns[name].append(value)
        positions[p] += 1

    for i in range(readings):
        p, now_us, dice = r.randrange(partitions), START_US + i * SECOND // rows_per_second, r.random()
        lag_us = r.randrange(30 * SECOND, 90 * SECOND) if dice < 0.03 else r.randrange(25 * SECOND)
        event_us = now_us - lag_us
        if r.random() < 0.1:
            event_us = event_us // SECOND * SECOND
        reading = {"id": r.randrange(5), "value": round(r.uniform(-20, 100), 3),
                   "source": None if r.random() < 0.05 else "sim-producer"}
        # The producer's own form, and the form of the log in the description.
        if r.random() < 0.5:
            reading["text"] = iso(event_us, 6)[:-1] + "+00:00"
        else:
            event_us = event_us // 1000 * 1000
            reading["text"] = iso(event_us, 3)
        if dice > 0.99:
            kind, make = r.choice(BAD_KINDS)
            append(p, make(reading), f"bad {kind}", BAD, 0, None, None, None, None, None)
            continue
        clock = clocks[p]
        missed = clock.missed(event_us)
        append(p, _line(reading), "plain", LATE if missed else GOOD, missed, clock.watermark(), reading["id"],
               event_us, reading["value"], reading["source"])
        clock.pass_on(event_us)
    return Known(partitions, columns, SCHEMA)
