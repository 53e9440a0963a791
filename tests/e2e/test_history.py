"""Nothing lost: histories of many clients over a broker that is killed, and proof that the checker can fail."""

import glob
import os

import pytest

import record_history as h
import history_load
from broker_server import Broker
from conftest import SOAK


def good():
    """A small history in which all is well, and what two last readers saw of it."""
    history = h.History()
    history.exactly_once.update(("idem", "txn"))
    final_all, final_committed = h.Reader("final-all", False), h.Reader("final-committed", True)
    live = history.reader("live", True)

    def put(value, producer, sequence, topic, offset, transaction=None, state=h.ACKED):
        write = history.write(value, producer, 0, sequence, topic, 0, transaction)
        write.state, write.offset = state, offset if state == h.ACKED else None
        if transaction is not None:
            transaction.writes.append(write)
        final_all.seen[topic, 0].append((offset, value))
        if transaction is None or transaction.outcome == h.COMMITTED:
            final_committed.seen[topic, 0].append((offset, value))
            live.seen[topic, 0].append((offset, value))

    for sequence in range(4):
        put(f"i{sequence}", "idem", sequence, "plain", sequence)
    put("loose", "loose", 0, "plain", 4, state=h.SENT)  # There, though nobody was told.
    done, undone = history.transaction("t/0"), history.transaction("t/1")
    done.outcome, undone.outcome = h.COMMITTED, h.ABORTED
    put("a0", "txn", 0, "transactional", 0, done)
    put("a1", "txn", 1, "transactional", 1, done)
    put("b0", "txn", 2, "transactional", 3, undone)
    history.etl_inputs, history.etl_output = ("plain",), "output"
    for reader in (final_all, final_committed):
        reader.seen["output", 0] = [(n, f"plain/0/{n}") for n in range(3)]
    history.offsets_acked["etl", "plain", 0] = [(1.0, 2), (2.0, 3)]
    history.offsets_acked["plain", "plain", 0] = [(1.0, 5), (2.0, 7)]
    history.offsets_seen["plain", "plain", 0] = [(0.5, -1001), (1.5, 5), (1.9, 7), (2.5, 7)]
    history.marks = {("plain", 0): (5, 5)}
    return history, final_all, final_committed


def lost(history, final_all, final_committed):
    final_all.seen["plain", 0].pop()
    final_all.seen["plain", 0].pop()
    final_committed.seen["plain", 0] = final_all.seen["plain", 0][:]


def two_contents(history, final_all, final_committed):
    final_all.seen["plain", 0][2] = (2, "i3")


def acknowledged_twice(history, final_all, final_committed):
    history.writes["i1"].offset = 2


def vanished(history, final_all, final_committed):
    history.readers[0].seen["plain", 0].append((5, "loose"))


def duplicate(history, final_all, final_committed):
    final_all.seen["plain", 0].append((5, "i3"))


def order(history, final_all, final_committed):
    history.writes["i1"].sequence, history.writes["i2"].sequence = 2, 1


def aborted_read(history, final_all, final_committed):
    final_committed.seen["transactional", 0].append((3, "b0"))


def aborted_read_live(history, final_all, final_committed):
    history.readers[0].seen["transactional", 0].append((3, "b0"))


def torn(history, final_all, final_committed):
    final_committed.seen["transactional", 0].pop()


def torn_unknown(history, final_all, final_committed):
    history.transactions[0].outcome = h.UNKNOWN
    final_committed.seen["transactional", 0].pop()


def backwards(history, final_all, final_committed):
    history.readers[0].seen["plain", 0].append((3, "i3"))


def offsets_back(history, final_all, final_committed):
    history.offsets_seen["plain", "plain", 0].append((2.6, 5))


def etl_twice(history, final_all, final_committed):
    for reader in (final_all, final_committed):
        reader.seen["output", 0].append((3, "plain/0/2"))


def etl_left_out(history, final_all, final_committed):
    for reader in (final_all, final_committed):
        reader.seen["output", 0] = [(0, "plain/0/0"), (1, "plain/0/2")]


def etl_behind(history, final_all, final_committed):
    for reader in (final_all, final_committed):
        reader.seen["output", 0].pop()


def hanging(history, final_all, final_committed):
    history.marks["plain", 0] = (3, 5)


def invented(history, final_all, final_committed):
    final_all.seen["plain", 0].append((5, "from nowhere"))


FAULTS = {
    lost: "lost", two_contents: "two-contents", acknowledged_twice: "two-contents", vanished: "vanished",
    duplicate: "duplicate", order: "order", aborted_read: "aborted-read", aborted_read_live: "aborted-read",
    torn: "torn", torn_unknown: "torn", backwards: "backwards", offsets_back: "offsets-back", etl_twice: "etl",
    etl_left_out: "etl", etl_behind: "etl", hanging: "hanging", invented: "invented",
}


def test_a_good_history_has_no_problems():
    assert h.check(*good()) == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.__name__)
def test_the_checker_finds(fault):
    parts = good()
    fault(*parts)
    assert FAULTS[fault] in {name for name, _ in h.check(*parts)}


KILLS = 200 if SOAK else 20


def told(problems):
    return "\n".join(f"{name}: {text[:300]}" for name, text in problems[:20])


def test_nothing_is_lost_while_the_broker_is_killed():
    with Broker(settings=[f"broker.num_partitions={history_load.PARTITIONS}"]) as broker:
        problems, load = history_load.run(broker, KILLS, seed=1)
        print(load.history.counts())
        assert problems == [], f"{load.history.counts()}\n{told(problems)}\n{broker.log()[-2000:]}"
        assert load.abandoned <= KILLS * history_load.ABANDONED_MOST
        # Else the load was none.
        assert sum(w.state == h.ACKED for w in load.history.writes.values()) > KILLS * 20
        assert sum(t.outcome == h.COMMITTED for t in load.history.transactions) > KILLS
        # Each takes half a second on a busy machine, and a kill comes every second.
        assert sum(len(acked) for (group, *_), acked in load.history.offsets_acked.items() if group == "etl") > 0


@pytest.mark.skipif(not SOAK, reason="clients of a broker that has lost records may stop for good: MILLRACE_SOAK=1")
def test_a_log_that_is_cut_behind_the_brokers_back_is_found():
    with Broker(settings=[f"broker.num_partitions={history_load.PARTITIONS}"]) as broker:
        def cut(_number):
            for path in glob.glob(os.path.join(broker.data, "broker", "plain-*", "*.log")):
                with open(path, "r+b") as log:
                    data = log.read().rstrip(b"\0")  # Room that was taken in advance.
                    log.truncate(max(0, len(data) - 4096))

        problems, _ = history_load.run(broker, 2, seed=2, pause=(1, 2), behind=cut)
        assert "lost" in {name for name, _ in problems} or "two-contents" in {name for name, _ in problems}
