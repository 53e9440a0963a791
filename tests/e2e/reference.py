"""The retail and sensors pipelines in plain Python, slow and obvious: raw lines in, results out.

It shares no code with the data generator nor with the DuckDB oracle, so that the three can be held against
each other: what the generator says about a row, what the oracle makes of the good ones, and what this makes
of the bytes. read_order says in which order the partitions' rows are taken; the result must not depend on it.
"""

import collections
import csv
import datetime
import json
import math
import re

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
KOLKATA = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)?", re.ASCII)


class BadRow(Exception):
    """Says why."""


def seconds(n):
    return datetime.timedelta(seconds=n)


def to_us(moment):
    return (moment - EPOCH) // datetime.timedelta(microseconds=1)


# ---- decoding ------------------------------------------------------------------------------------


def _refuse(word):
    raise BadRow(f"{word} is not JSON")


def take_object(line):
    try:
        value = json.loads(line.decode("utf-8", errors="strict"), parse_constant=_refuse)
    except UnicodeDecodeError:
        raise BadRow("not UTF-8") from None
    except json.JSONDecodeError:
        raise BadRow("not JSON") from None
    if type(value) is not dict:
        raise BadRow("not an object")
    return value


def take_text(value):
    if value is not None and type(value) is not str:
        raise BadRow("not a text")
    return value


def take_int(value):
    if value is None:
        return None
    whole = type(value) is int or (type(value) is float and value.is_integer())
    if not whole or not -(2**31) <= value < 2**31:
        raise BadRow("not an int")
    return int(value)


def take_double(value):
    if value is None:
        return None
    if type(value) not in (int, float):
        raise BadRow("not a number")
    if math.isinf(float(value)):
        raise BadRow("too large")
    return float(value)


def take_time(value, zone):
    if value is None:
        return None
    match = TIME.fullmatch(value) if type(value) is str else None
    if match is None:
        raise BadRow("not a time")
    try:
        moment = datetime.datetime.fromisoformat(match[1])
    except ValueError:
        raise BadRow("no such time") from None
    moment += datetime.timedelta(microseconds=int((match[2] or "").ljust(6, "0")))
    if match[3] is None:
        return moment.replace(tzinfo=zone).astimezone(UTC)
    if match[3] == "Z":
        return moment.replace(tzinfo=UTC)
    return datetime.datetime.fromisoformat(match[1] + match[3]).astimezone(UTC).replace(microsecond=moment.microsecond)


def retail_event(line):
    o = take_object(line)
    event = {
        "event_id": take_text(o.get("event_id")), "user_id": take_int(o.get("user_id")),
        "product_id": take_int(o.get("product_id")), "amount": take_double(o.get("amount")),
        "country": take_text(o.get("country")),  # The device is read by no query.
        "event_time": take_time(o.get("event_time"), KOLKATA)}
    if event["event_time"] is None:
        raise BadRow("no event time")
    return event


def sensors_event(line):
    o = take_object(line)
    event = {"id": take_int(o.get("id")), "ts": take_time(o.get("ts"), UTC),
             "value": take_double(o.get("value")), "source": take_text(o.get("source"))}
    for name in ("id", "ts", "value"):
        if event[name] is None:
            raise BadRow(f"{name} is null")
    return event


# ---- time ----------------------------------------------------------------------------------------


def windows(moment, size, slide):
    """(start, end) of the windows that hold a moment."""
    us, size_us, slide_us = to_us(moment), size * 1_000_000, slide * 1_000_000
    start = us - us % slide_us
    found = []
    while start > us - size_us:
        found.append((start, start + size_us))
        start -= slide_us
    return found


class Partition:
    """One partition's watermark, which a row finds as the earlier rows left it."""

    def __init__(self, delay):
        self.delay, self.greatest = seconds(delay), None

    def open_windows(self, moment, size, slide):
        found = windows(moment, size, slide)
        if self.greatest is None:
            return found, found
        watermark = to_us(self.greatest - self.delay)
        return [w for w in found if w[1] > watermark], found

    def see(self, moment):
        self.greatest = moment if self.greatest is None else max(self.greatest, moment)


Result = collections.namedtuple("Result", "rows raw bad late counts")


def retail(partition_lines, read_order, dim, now=None):
    """The retail pipeline up to --until end.

    partition_lines[p]   raw lines of partition p
    read_order           partition numbers: whose next line is read next
    dim                  folder of users.csv and products.csv
    now                  with max_future_skew: the broker's clock
    ret                  rows as tuples (oracle.RETAIL_COLUMNS, but without a sketch: exact distinct ids), bad
                         and late as sets of (partition, position), counts by class
    """
    with open(f"{dim}/users.csv", encoding="utf-8") as users_file:
        segments = {int(row["user_id"]): row["segment"] for row in csv.DictReader(users_file)}
    partitions = [Partition(delay=30) for _ in partition_lines]
    at = [0] * len(partition_lines)
    first_seen, groups = {}, {}
    bad, late, counts = {}, {}, collections.Counter()
    for p in read_order:
        position, line = at[p], partition_lines[p][at[p]]
        at[p] += 1
        try:
            event = retail_event(line)
        except BadRow as reason:
            bad[p, position] = str(reason)
            counts["bad"] += 1
            continue
        moment = event["event_time"]
        if now is not None and moment > now + datetime.timedelta(minutes=5):
            late[p, position] = "future"
            counts["future"] += 1
            continue
        partition = partitions[p]
        is_open, of_row = partition.open_windows(moment, 60, 30)
        watermark = None if partition.greatest is None else partition.greatest - partition.delay
        partition.see(moment)
        if len(is_open) < len(of_row):
            late[p, position] = "late"
        if not is_open:
            counts["late"] += 1
            continue
        seen = first_seen.get(event["event_id"])
        if seen is not None and (watermark is None or seen + datetime.timedelta(hours=1) >= watermark):
            counts["dup"] += 1
            continue
        first_seen[event["event_id"]] = moment
        counts["good"] += 1
        country = "UNKNOWN" if event["country"] is None else event["country"].upper()
        for start, end in is_open:
            group = groups.setdefault((start, end, country, segments.get(event["user_id"])), ([], set(), []))
            group[0].append(0.0 if event["amount"] is None else event["amount"])
            group[1].add(event["event_id"])
            group[2].append(to_us(moment))
    rows = [
        (start, end, (EPOCH + datetime.timedelta(microseconds=end)).astimezone(KOLKATA).date(), country, segment,
         max(times), math.fsum(amounts), len(ids))
        for (start, end, country, segment), (amounts, ids, times) in groups.items()]
    return Result(rows, None, bad, late, counts)


def sensors(partition_lines, read_order):
    """The sensors pipeline up to its end; rows as in oracle.SENSORS_COLUMNS, raw: (id, ts, value, source)."""
    partitions = [Partition(delay=30) for _ in partition_lines]
    at = [0] * len(partition_lines)
    groups, raw, bad, late, counts = {}, [], {}, {}, collections.Counter()
    for p in read_order:
        position, line = at[p], partition_lines[p][at[p]]
        at[p] += 1
        try:
            event = sensors_event(line)
        except BadRow as reason:
            bad[p, position] = str(reason)
            counts["bad"] += 1
            continue
        raw.append((event["id"], to_us(event["ts"]), event["value"], event["source"]))
        is_open, of_row = partitions[p].open_windows(event["ts"], 10, 10)
        partitions[p].see(event["ts"])
        if len(is_open) < len(of_row):
            late[p, position] = "late"
            counts["late"] += 1
        else:
            counts["good"] += 1
        for start, end in is_open:
            groups.setdefault((start, end, event["id"]), []).append(event["value"])
    rows = [(start, end, key, math.fsum(values) / len(values)) for (start, end, key), values in groups.items()]
    return Result(rows, raw, bad, late, counts)
