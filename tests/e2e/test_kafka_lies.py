"""Millrace's own Kafka client against a broker of the test's: an old one, one that lies, one that moves.

The broker speaks the oldest versions that the client takes (Metadata 1, ListOffsets 1, Fetch 4), so they are tested
too; what it answers to a fetch is the test's. kafka-python makes the record batches.
BUILD=dir       the build folder that holds diff-kafka_dump (default build)
"""

import json
import os
import socket
import struct
import subprocess
import threading

import pytest
from kafka.record.default_records import DefaultRecordBatchBuilder

from conftest import ROOT

BUILD = os.environ.get("BUILD", "build")
API_VERSIONS, METADATA, LIST_OFFSETS, FETCH = 18, 3, 2, 1
RANGES = {FETCH: (4, 4), LIST_OFFSETS: (1, 1), METADATA: (1, 1), API_VERSIONS: (0, 0)}


@pytest.fixture(scope="module")
def dump_program():
    path = os.path.join(BUILD, "diff-kafka_dump")
    if os.environ.get("KAFKA_DUMP_BUILT") != "1":
        subprocess.run(["make", "-s", f"BUILD={BUILD}", path], cwd=ROOT, check=True, timeout=600)
    return os.path.join(ROOT, path)


def string(text):
    return struct.pack(">h", len(text)) + text.encode()


def batch(first, ids):
    """A record batch of {"id": …} from offset `first` on."""
    builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 100000)
    for delta, number in enumerate(ids):
        builder.append(delta, 1767225600000, None, json.dumps({"id": number}).encode(), [])
    made = bytearray(builder.build())
    made[0:8] = struct.pack(">q", first)  # Not part of the checksum.
    return bytes(made)


class Broker:
    """One partition of topic "t"; answer(offset, turn) gives (error, records) for the turn-th fetch, or raises EOFError.
    Each answer lists the partition `times` times."""

    def __init__(self, answer, end, versions=None, times=1):
        self.answer, self.end, self.versions, self.times = answer, end, versions or RANGES, times
        self.turn = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                while True:
                    bytes_ = struct.unpack(">i", self._read(connection, 4))[0]
                    request = self._read(connection, bytes_)
                    key, _version, correlation, client = struct.unpack(">hhih", request[:10])
                    body = self._body(key, request[10 + client:])
                    connection.sendall(self.frame(correlation, body))
            except (OSError, EOFError):
                return

    @staticmethod
    def frame(correlation, body):
        return struct.pack(">ii", len(body) + 4, correlation) + body

    @staticmethod
    def _read(connection, count):
        got = b""
        while len(got) < count:
            part = connection.recv(count - len(got))
            if not part:
                raise EOFError
            got += part
        return got

    def _body(self, key, body):
        if key == API_VERSIONS:
            return struct.pack(">hi", 0, len(self.versions)) + b"".join(
                struct.pack(">hhh", k, low, high) for k, (low, high) in self.versions.items())
        if key == METADATA:
            broker = struct.pack(">i", 7) + string("127.0.0.1") + struct.pack(">ih", self.port, -1)
            partition = struct.pack(">hiiiiii", 0, 0, 7, 1, 7, 1, 7)
            topic = struct.pack(">h", 0) + string("t") + struct.pack(">bi", 0, 1) + partition
            return struct.pack(">i", 1) + broker + struct.pack(">i", 7) + struct.pack(">i", 1) + topic
        if key == LIST_OFFSETS:
            moment = struct.unpack(">q", body[-8:])[0]
            return struct.pack(">i", 1) + string("t") + struct.pack(
                ">iihqq", 1, 0, 0, -1, 0 if moment == -2 else self.end)
        if key == FETCH:
            offset = struct.unpack(">q", body[-12:-4])[0]
            self.turn += 1
            error, records = self.answer(offset, self.turn - 1)
            partition = struct.pack(">ihqqii", 0, error, self.end, self.end, 0, len(records)) + records
            return struct.pack(">ii", 0, 1) + string("t") + struct.pack(">i", self.times) + partition * self.times
        raise EOFError


@pytest.fixture
def ask(dump_program):
    made = []

    def run(answer, end, *words, **more):
        broker = Broker(answer, end, **more)
        made.append(broker)
        done = subprocess.run([dump_program, f"bootstrap_servers={broker.address}", "topic=t", "until=end",
                               "client=native", "starting_offsets=earliest", "connect_timeout=3 seconds", *words],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.stderr == "", done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return ([line["row"]["id"] for line in lines if "row" in line],
                next((line for line in lines if "error" in line), {}))

    yield run
    for broker in made:
        broker.close()


def test_reads_from_the_oldest_versions(ask):
    """Ten batches, two a fetch, the second cut in the middle; the wished offset lies in a batch."""
    batches = [batch(first, range(first, first + 10)) for first in range(0, 100, 10)]

    def answer(offset, _turn):
        sent = batches[offset // 10:offset // 10 + 2]
        return 0, b"".join(sent)[:-7 if len(sent) == 2 else None]

    assert ask(answer, 100) == (list(range(100)), {})
    ids, error = ask(answer, 100, "seek:t/0=37")
    assert (ids, error) == (list(range(37, 100)), {})


def test_goes_on_after_errors_that_pass(ask):
    """NOT_LEADER, a leader that is gone for a moment, and connections that break in the middle."""
    whole = batch(0, range(50))

    def answer(offset, turn):
        if turn == 0:
            return 6, b""
        if turn == 1:
            raise EOFError
        if turn == 2:
            return 5, b""
        return 0, whole if offset < 50 else b""

    assert ask(answer, 50) == (list(range(50)), {})


@pytest.mark.parametrize("place, value, fact", [
    (70, b"\xff", "its checksum is wrong"),
    (8, struct.pack(">i", 20), "it is shorter than its header"),
    (16, b"\x01", "have the format of Kafka before 0.11"),
    (23, struct.pack(">i", -5), "its offsets are out of range"),
    (57, struct.pack(">i", 1 << 30), "more records than offsets"),
    (8, struct.pack(">i", 1 << 20), "was not sent whole"),
])
def test_damage_is_an_error_that_names_its_place(ask, place, value, fact):
    good, bad = batch(0, range(10)), bytearray(batch(10, range(10, 20)))
    bad[place:place + len(value)] = value
    ids, error = ask(lambda offset, _turn: (0, good if offset < 10 else bytes(bad)), 20)
    assert ids == list(range(10))
    assert fact in error["error"] and "10" in error["error"], error


@pytest.mark.parametrize("place, value", [(61, b"\x7f"), (57, struct.pack(">i", 9)), (66, b"\x03")])
def test_records_that_lie_are_an_error(ask, place, value):
    """A wrong length, fewer records than are there, an odd key: with a checksum that fits."""
    from kafka.record.util import calc_crc32c
    bad = bytearray(batch(0, range(10)))
    bad[place:place + len(value)] = value
    bad[17:21] = struct.pack(">I", calc_crc32c(bytes(bad[21:])))
    ids, error = ask(lambda _offset, _turn: (0, bytes(bad)), 10)
    assert ids == [] and "damaged record batch at offset 0" in error["error"], error


def test_a_partition_that_is_listed_twice(ask):
    """No row of it counts twice: what was taken before stands, and then it is an error."""
    ids, error = ask(lambda offset, _turn: (0, batch(0, range(10)) if offset < 10 else b""), 20, times=2)
    assert ids in ([], list(range(10)))
    assert "lists partition 0 twice" in error["error"], error


def test_says_what_a_broker_cannot(ask):
    ids, error = ask(lambda _offset, _turn: (0, b""), 10, versions={**RANGES, FETCH: (0, 3)})
    assert ids == [] and "has no version of fetch that this client knows" in error["error"]
    # Not a broker at all.
    listener = socket.create_server(("127.0.0.1", 0))
    try:
        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.close()
        threading.Thread(target=serve, daemon=True).start()
        ids, error = ask(lambda _offset, _turn: (0, b""), 10, f"bootstrap_servers=127.0.0.1:{listener.getsockname()[1]}")
        assert error["code"] in ("network error", "bad option")
    finally:
        listener.close()
