"""The commands produce and consume against a cluster: what one client writes the other reads, in the order of each
partition, with keys, headers and times; and a group's members divide a topic among them, whoever they are."""

import collections
import contextlib
import json
import select
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest
from confluent_kafka import Consumer, Producer

from broker_server import Broker, kcat
from conftest import MILLRACE, read_all, wait_until
from test_topic_commands import broker, cluster, committed, millrace, name, rows  # noqa: F401 (fixtures)

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
KEPT = "retention.ms=-1"  # For records of years ago: retention takes them at any moment.


def make(cluster, topic, partitions=3, *configs):
    words = [word for config in configs for word in ("--config", config)]
    millrace(cluster, "topic", "create", topic, "--partitions", str(partitions), *words)


def by_partition(cluster, topic):
    found = collections.defaultdict(list)
    for message in read_all(cluster.address, topic):
        found[message.partition()].append(message)
    return found


# ---- produce -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", CODECS)
def test_lines_arrive_whole_and_once(cluster, name, codec, tmp_path):
    make(cluster, name)
    lines = [f"{i} " + "x" * (i % 700) for i in range(20000)] + [""]
    (tmp_path / "lines").write_text("\n".join(lines) + "\n")
    said = subprocess.run([MILLRACE, "produce", name, str(tmp_path / "lines"), "--compression", codec, "--bootstrap",
                           cluster.address], capture_output=True, text=True, timeout=240, check=True).stderr
    assert f'{len(lines)} records to "{name}"' in said
    found = by_partition(cluster, name)
    assert sorted(m.value().decode() for part in found.values() for m in part) == sorted(lines)
    for part in found.values():
        numbers = [int(m.value().split()[0]) for m in part if m.value()]
        assert numbers == sorted(numbers), "the order of lines is that of the partition"


def test_keys_go_where_javas_clients_send_them(cluster, name):
    make(cluster, name, 7)
    keys = [f"key-{i}" for i in range(500)] + ["é中", "x" * 300]
    millrace(cluster, "produce", name, "--key-separator", "\\t", stdin="".join(f"{k}\tv\n" for k in keys))
    other = Producer({"bootstrap.servers": cluster.address, "partitioner": "murmur2_random"})
    where = {}
    for key in keys:
        other.produce(name, b"other", key=key, on_delivery=lambda e, m: where.update({m.key().decode(): m.partition()}))
    assert other.flush(120) == 0
    mine = {m.key().decode(): m.partition() for m in read_all(cluster.address, name) if m.value() == b"v"}
    assert mine == where


def test_headers_nulls_times_and_partitions(cluster, name):
    make(cluster, name, 2, KEPT)
    millrace(cluster, "produce", name, "--key-separator", ":", "--null", "", "--header", "from=test", "--header", "n=1",
             "--partition", "1", stdin="a:1\na:\n:2\n")
    millrace(cluster, "produce", name, "--json", "--partition", "0", stdin=json.dumps(
        {"key": "k", "value": {"a": [1, None]}, "headers": [{"key": "h", "value": None}, {"key": "h", "value": "é"}],
         "timestamp": "2023-11-14T22:13:20.500Z"}) + "\n{}\n")
    found = by_partition(cluster, name)
    assert [(m.key(), m.value()) for m in found[1]] == [(b"a", b"1"), (b"a", None), (None, b"2")]
    assert found[1][0].headers() == [("from", b"test"), ("n", b"1")]
    first, second = found[0]
    assert (first.key(), first.value(), first.timestamp()[1]) == (b"k", b'{"a":[1,null]}', 1_700_000_000_500)
    assert first.headers() == [("h", None), ("h", "é".encode())]
    assert (second.key(), second.value(), second.headers()) == (None, None, None)


@pytest.mark.parametrize("acks", ["all", "1", "0"])
def test_acks(cluster, name, acks):
    make(cluster, name, 1)
    millrace(cluster, "produce", name, "--acks", acks, stdin="".join(f"{i}\n" for i in range(1000)))
    end = time.monotonic() + 120
    while len(got := millrace(cluster, "consume", name).splitlines()) < 1000 and time.monotonic() < end:
        time.sleep(0.1)
    assert got == [str(i) for i in range(1000)]


def test_rate_and_waiting_lines(cluster, name):
    """A line is sent soon, though more may come; a rate is kept."""
    make(cluster, name, 1)
    process = subprocess.Popen([MILLRACE, "produce", name, "--bootstrap", cluster.address], stdin=subprocess.PIPE,
                               text=True)
    process.stdin.write("one\n")
    process.stdin.flush()
    end = time.monotonic() + 240
    while millrace(cluster, "consume", name) != "one\n":
        assert time.monotonic() < end
    process.stdin.close()
    assert process.wait(120) == 0
    begun = time.monotonic()
    millrace(cluster, "produce", name, "--rate", "100", stdin="x\n" * 100)
    assert 0.9 < time.monotonic() - begun


def test_nothing_is_lost_or_doubled_when_the_broker_stalls(cluster, name, tmp_path):
    """Requests time out on the way, are sent again over new connections, and the broker sees both."""
    make(cluster, name)
    (tmp_path / "lines").write_text("".join(f"{i}\n" for i in range(60000)))
    process = subprocess.Popen([MILLRACE, "produce", name, str(tmp_path / "lines"), "--rate", "20000", "-X",
                                "request.timeout.ms=700", "--bootstrap", cluster.address], stderr=subprocess.PIPE,
                               text=True)
    for _ in range(2):
        time.sleep(0.6)
        cluster.process.send_signal(signal.SIGSTOP)
        time.sleep(1.6)
        cluster.process.send_signal(signal.SIGCONT)
    said = process.communicate(timeout=240)[1]
    assert process.returncode == 0, said
    assert "60000 records" in said
    found = by_partition(cluster, name)
    numbers = [[int(m.value()) for m in part] for part in found.values()]
    assert sorted(n for part in numbers for n in part) == list(range(60000))
    assert all(part == sorted(part) for part in numbers)


class Spoiler:
    """Between a client and a broker: the first request to produce arrives damaged, once another follows it or none
    does for two seconds."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.requests = 0

    def serve(self, broker_port):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            broker = socket.create_connection(("127.0.0.1", broker_port))
            threading.Thread(target=self.pump, args=(broker, client), daemon=True).start()
            threading.Thread(target=self.pass_on, args=(client, broker), daemon=True).start()

    @staticmethod
    def pump(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def pass_on(self, client, broker):
        with contextlib.suppress(OSError), client.makefile("rb") as frames:
            while len(head := frames.read(4)) == 4:
                frame = frames.read(struct.unpack(">i", head)[0])
                if frame[:2] == b"\0\0":
                    self.requests += 1
                    if self.requests == 1:
                        frame = frame.replace(b"one", b"eno")  # Its checksum tells.
                        select.select([client], [], [], 2)
                broker.sendall(head + frame)
            broker.shutdown(socket.SHUT_WR)


def test_the_first_batch_of_a_partition_comes_before_all_others(tmp_path):
    """A broker that has nothing of a producer yet takes any batch of it for the first."""
    spoiler = Spoiler()
    with Broker(settings=[f"broker.advertise=127.0.0.1:{spoiler.port}"]) as broker:
        threading.Thread(target=spoiler.serve, args=(broker.port,), daemon=True).start()
        make(broker, "spoilt", 1)
        process = subprocess.Popen([MILLRACE, "produce", "spoilt", "-X", "delivery.timeout.ms=10000", "--bootstrap",
                                    f"127.0.0.1:{spoiler.port}"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        process.stdin.write("one\n")
        process.stdin.flush()
        wait_until(lambda: spoiler.requests == 1, 20, "the first request")
        said = process.communicate("two\n", timeout=120)[1]
        assert process.returncode == 0, said
        spoiler.listener.close()
        assert kcat("-b", broker.address, "-C", "-t", "spoilt", "-e", "-q") == b"one\ntwo\n"


def test_produce_errors(cluster, name, tmp_path):
    missing = millrace(cluster, "produce", name, stdin="x\n", code=1).stderr
    assert f'there is no topic "{name}"' in missing
    millrace(cluster, "produce", name, "--create", stdin="x\n")
    no_key = millrace(cluster, "produce", name, "--key-separator", "|", stdin="a|b\nc\n", code=1).stderr
    assert 'standard input, line 2: no "|"' in no_key
    assert "line 1: not a JSON object" in millrace(cluster, "produce", name, "--json", stdin="nope\n", code=1).stderr
    assert 'Did you mean "acks"?' in millrace(cluster, "produce", name, "-X", "ack=1", stdin="", code=2).stderr
    assert "gzip, snappy" in millrace(cluster, "produce", name, "--compression", "lzo", stdin="", code=2).stderr
    assert "has no partition 99" in millrace(cluster, "produce", name, "--partition", "99", stdin="x\n", code=1).stderr
    assert "acks all" in millrace(cluster, "produce", name, "-X", "acks=1", "-X", "enable.idempotence=true", stdin="",
                                  code=2).stderr
    large = millrace(cluster, "produce", name, stdin="y" * 3_000_000 + "\n", code=1).stderr
    assert "MESSAGE_TOO_LARGE" in large and "max.message.bytes" in large


# ---- consume -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", CODECS)
def test_what_others_wrote_is_read(cluster, name, codec):
    make(cluster, name, 2, KEPT)
    producer = Producer({"bootstrap.servers": cluster.address, "compression.type": codec, "linger.ms": 50})
    for i in range(5000):
        producer.produce(name, f"v{i}", key=f"k{i}", partition=i % 2, headers={"n": str(i)}, timestamp=10**12 + i)
    assert producer.flush(120) == 0
    got = rows(millrace(cluster, "consume", name, "--json"))
    assert len(got) == 5000
    for row in got:
        i = int(row["value"][1:])
        assert row == {"topic": name, "partition": i % 2, "offset": i // 2, "key": f"k{i}", "value": f"v{i}",
                       "timestamp": f"2001-09-09T01:46:{40 + i // 1000:02d}" + (f".{i % 1000:03d}Z" if i % 1000 else "Z"),
                       "headers": [{"key": "n", "value": str(i)}]}
    for p in (0, 1):
        assert [row["offset"] for row in got if row["partition"] == p] == list(range(2500))


def test_places_to_begin_and_to_end(cluster, name):
    make(cluster, name, 1, KEPT)
    producer = Producer({"bootstrap.servers": cluster.address})
    for i in range(10):
        producer.produce(name, str(i), timestamp=1_700_000_000_000 + i * 1000)
    assert producer.flush(120) == 0

    def got(*words):
        return [int(line) for line in millrace(cluster, "consume", name, *words).splitlines()]

    assert got() == list(range(10))
    assert got("--from", "7") == [7, 8, 9]
    assert got("--from", "-2") == [8, 9]
    assert got("--from", "-200") == list(range(10))
    assert got("--from", "200") == []
    assert got("--from", "end") == []
    assert got("--from", "2023-11-14T22:13:25Z") == [5, 6, 7, 8, 9]
    assert got("--from", "-1h") == []
    assert got("--count", "3", "--from", "4") == [4, 5, 6]
    assert "has no partition 4" in millrace(cluster, "consume", name, "--partition", "4", code=2).stderr
    assert "bad value" in millrace(cluster, "consume", name, "--from", "soon", code=2).stderr
    head = subprocess.run(f"{MILLRACE} consume {name} --bootstrap {cluster.address} | head -n 1", shell=True,
                          capture_output=True, text=True, timeout=120, check=True)
    assert (head.stdout, head.stderr) == ("0\n", "")


def test_only_what_is_committed_is_read(cluster, name):
    make(cluster, name, 1)
    producer = Producer({"bootstrap.servers": cluster.address, "transactional.id": name})
    producer.init_transactions(30)
    for word, ends in (("a", producer.commit_transaction), ("b", producer.abort_transaction),
                       ("c", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce(name, word)
        producer.flush(120)
        ends(30)
    producer.begin_transaction()
    producer.produce(name, "open")
    producer.flush(120)
    assert millrace(cluster, "consume", name).split() == ["a", "c"]
    assert millrace(cluster, "consume", name, "--uncommitted").split() == ["a", "b", "c", "open"]
    producer.abort_transaction(30)


def test_records_round_trip_as_json(cluster, name):
    make(cluster, name, 1)
    make(cluster, name + "-copy", 1)
    millrace(cluster, "produce", name, "--key-separator", "=", "--header", "h=1", stdin='a="1"\nb={"x":1}\nc=é\n')
    lines = millrace(cluster, "consume", name, "--json")
    millrace(cluster, "produce", name + "-copy", "--json", stdin=lines)
    assert rows(millrace(cluster, "consume", name + "-copy", "--json")) == [
        {**row, "topic": name + "-copy"} for row in rows(lines)]
    assert millrace(cluster, "consume", name, "--keys", "=") == 'a="1"\nb={"x":1}\nc=é\n'


# ---- groups --------------------------------------------------------------------------------------------


def test_a_group_goes_on_where_it_was(cluster, name):
    make(cluster, name, 2)
    millrace(cluster, "produce", name, stdin="".join(f"{i}\n" for i in range(100)))
    assert len(millrace(cluster, "consume", name, "--group", name).splitlines()) == 100
    assert millrace(cluster, "consume", name, "--group", name) == ""
    millrace(cluster, "produce", name, stdin="more\n")
    assert millrace(cluster, "consume", name, "--group", name) == "more\n"
    assert sum(committed(cluster, name).values()) == 101
    # Partitions that are named are read without joining, from the group's offsets all the same.
    assert millrace(cluster, "consume", name, "--group", name, "--partition", "0,1") == ""
    assert rows(millrace(cluster, "group", "describe", name, "--json"))[0]["members"] == []


def follow(cluster, topic, group):
    return subprocess.Popen([MILLRACE, "consume", topic, "--group", group, "--follow", "--bootstrap", cluster.address],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def members(cluster, group):
    """{member: partitions} when the group is stable, or None."""
    found = rows(millrace(cluster, "group", "describe", group, "--json"))[0]
    if found["state"] != "Stable":
        return None
    held = collections.Counter(p["member"] for p in found["partitions"] if p["member"])
    return {m["member"]: held[m["member"]] for m in found["members"]}


def test_members_divide_a_topic_also_with_other_clients(cluster, name):
    make(cluster, name, 4)
    ours = [follow(cluster, name, name), follow(cluster, name, name)]
    other = Consumer({"bootstrap.servers": cluster.address, "group.id": name, "auto.offset.reset": "earliest",
                      "auto.commit.interval.ms": 500})
    other.subscribe([name])
    seen = []

    def poll():
        seen.extend(message.value().decode() for message in other.consume(1000, 0.1) if not message.error())

    end = time.monotonic() + 300
    while True:
        poll()
        held = None
        try:
            held = members(cluster, name)
        except AssertionError:  # Not there yet.
            pass
        if held is not None and len(held) == 3 and sum(held.values()) == 4:
            break
        assert time.monotonic() < end, held
    assert sorted(held.values()) == [1, 1, 2]
    millrace(cluster, "produce", name, "--key-separator", ":", stdin="".join(f"{i}:{i}\n" for i in range(1000)))
    while sum(committed(cluster, name).get((name, p)) or 0 for p in range(4)) < 1000:
        poll()
        assert time.monotonic() < end
    other.close()
    for process in ours:
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=240)
        assert process.returncode == 130, said
        seen += out.split()
    assert sorted(map(int, seen)) == list(range(1000)), "each record once, since nobody died"
    assert rows(millrace(cluster, "group", "describe", name, "--json"))[0]["members"] == []
