"""A history: what clients were told and what they read, and whether a broker may say all that.

The load (history_load.py) notes what it sent, what was acknowledged, how transactions ended and what
readers saw; check() then looks for whatever must never be, by name:

    lost            an acknowledged write is not where the acknowledgement said
    two-contents    an offset was seen with one content and later with another, or acknowledged twice
    vanished        what a reader saw is not there any more
    duplicate       a value of an idempotent producer is there twice
    order           a producer's values for a key are not in the order in which it sent them
    aborted-read    a read_committed reader was given a value of an aborted transaction
    torn            a transaction is there in part; or one that committed is not there
    backwards       a reader was given an offset twice or an earlier one
    offsets-back    a group's committed offset is before one that was acknowledged
    etl             the outputs of consume-transform-produce are not its inputs, each once and in order
    hanging         a transaction stayed open after its time
    invented        something was read that nobody wrote

Source: the invariants of Jepsen's Kafka checker (jepsen/tests/kafka.clj), without its search for cycles.
"""

import collections

SENT, ACKED, REFUSED = "sent", "acked", "refused"
COMMITTED, ABORTED, UNKNOWN = "committed", "aborted", "unknown"


class Write:
    __slots__ = ("value", "producer", "key", "sequence", "topic", "partition", "offset", "state", "transaction")

    def __init__(self, value, producer, key, sequence, topic, partition, transaction=None):
        self.value, self.producer, self.key, self.sequence = value, producer, key, sequence
        self.topic, self.partition, self.transaction = topic, partition, transaction
        self.offset, self.state = None, SENT


class Transaction:
    __slots__ = ("name", "writes", "outcome")

    def __init__(self, name):
        self.name, self.writes, self.outcome = name, [], UNKNOWN


class Reader:
    """One consumer's life: from where on it read, what it saw in which order."""

    def __init__(self, name, committed):
        self.name, self.committed = name, committed
        self.seen = collections.defaultdict(list)  # (topic, partition): [(offset, value)]


class History:
    """Threads only append, each to lists and entries of its own."""

    def __init__(self):
        self.writes = {}          # By value.
        self.exactly_once = set()  # Producers that are idempotent.
        self.transactions = []
        self.readers = []
        self.offsets_acked = collections.defaultdict(list)  # (group, topic, partition): [(time, offset)]
        self.offsets_seen = collections.defaultdict(list)   # The same; time is when it was asked.
        self.etl_inputs = None     # Topic names, when there is such a load.
        self.etl_output = None
        self.marks = {}            # (topic, partition): (stable, high) in the end.
        self.events = 0

    def write(self, *args, **kwargs):
        write = Write(*args, **kwargs)
        assert write.value not in self.writes, "the load must not repeat a value"
        self.writes[write.value] = write
        return write

    def transaction(self, name):
        transaction = Transaction(name)
        self.transactions.append(transaction)
        return transaction

    def reader(self, name, committed):
        reader = Reader(name, committed)
        self.readers.append(reader)
        return reader

    def counts(self):
        states = collections.Counter(w.state for w in self.writes.values())
        ends = collections.Counter(t.outcome for t in self.transactions)
        return (f"{len(self.writes)} writes ({states[ACKED]} acknowledged), {len(self.transactions)} transactions "
                f"({ends[COMMITTED]} committed, {ends[ABORTED]} aborted, {ends[UNKNOWN]} unknown), "
                f"{sum(len(s) for r in self.readers for s in r.seen.values())} reads")


class Checker:
    """final_all, final_committed: readers that went over all partitions when the load was over."""

    def __init__(self, history, final_all, final_committed):
        self.history = history
        self.final_all, self.final_committed = final_all, final_committed
        self.problems = []
        self.content = {}  # (topic, partition, offset): value
        for (topic, partition), seen in final_all.seen.items():
            for offset, value in seen:
                self.content[topic, partition, offset] = value
        self.places = collections.defaultdict(list)
        for place, value in self.content.items():
            self.places[value].append(place)
        self.committed = collections.defaultdict(list)
        for (topic, partition), seen in final_committed.seen.items():
            for offset, value in seen:
                self.committed[value].append((topic, partition, offset))

    def problem(self, name, text):
        self.problems.append((name, text))

    def check(self):
        self.acknowledged()
        self.once_and_in_order()
        self.whole()
        for reader in [*self.history.readers, self.final_all, self.final_committed]:
            self.reader(reader)
        self.group_offsets()
        self.etl()
        for (topic, partition), (stable, high) in self.history.marks.items():
            if stable != high:
                self.problem("hanging", f"{topic}-{partition}: stable {stable}, high {high}")
        return self.problems

    def acknowledged(self):
        told = {}
        for write in self.history.writes.values():
            if write.state != ACKED or write.offset is None:
                continue
            place = write.topic, write.partition, write.offset
            if told.setdefault(place, write.value) != write.value:
                self.problem("two-contents", f"{place} was acknowledged for {told[place]} and {write.value}")
            there = self.content.get(place)
            if there is None:
                self.problem("lost", f"{write.value} was acknowledged at {place}")
            elif there != write.value:
                self.problem("two-contents", f"{place} has {there}; acknowledged was {write.value}")

    def once_and_in_order(self):
        for value, places in self.places.items():
            write = self.history.writes.get(value)
            if write is None:
                if self.history.etl_output is None or places[0][0] != self.history.etl_output:
                    self.problem("invented", f"{value} at {places[0]}")
            elif len(places) > 1 and write.producer in self.history.exactly_once:
                self.problem("duplicate", f"{value} at {places}")
        last = {}
        for place in sorted(self.content):
            write = self.history.writes.get(self.content[place])
            if write is None or write.producer not in self.history.exactly_once:
                continue
            key = write.producer, write.key, place[0], place[1]
            if last.get(key, -1) >= write.sequence:
                self.problem("order", f"{write.value} at {place} stands behind sequence {last[key]}")
            last[key] = write.sequence

    def whole(self):
        for transaction in self.history.transactions:
            there = [w.value for w in transaction.writes if w.value in self.committed]
            if transaction.outcome == ABORTED and there:
                self.problem("aborted-read", f"{transaction.name} was aborted; {there} can be read")
            elif transaction.outcome == COMMITTED and len(there) != len(transaction.writes):
                missing = [w.value for w in transaction.writes if w.value not in self.committed]
                self.problem("torn", f"{transaction.name} was committed; {missing} cannot be read")
            elif transaction.outcome == UNKNOWN and 0 < len(there):
                acked = [w for w in transaction.writes if w.state == ACKED]
                if any(w.value not in self.committed for w in acked):
                    self.problem("torn", f"{transaction.name}: only {there} of {len(acked)}")

    def reader(self, reader):
        aborted = {w.value for t in self.history.transactions if t.outcome == ABORTED for w in t.writes}
        for (topic, partition), seen in reader.seen.items():
            before = -1
            for offset, value in seen:
                if offset <= before:
                    self.problem("backwards", f"{reader.name}: {topic}-{partition} {offset} after {before}")
                before = offset
                there = self.content.get((topic, partition, offset))
                if there is None:
                    self.problem("vanished", f"{reader.name} saw {value} at {topic}-{partition} {offset}")
                elif there != value:
                    self.problem("two-contents",
                                 f"{reader.name} saw {value} at {topic}-{partition} {offset}; now it is {there}")
                if reader.committed and value in aborted:
                    self.problem("aborted-read", f"{reader.name} saw {value} at {topic}-{partition} {offset}")

    def group_offsets(self):
        for key, seen in self.history.offsets_seen.items():
            acked, promised = sorted(self.history.offsets_acked[key], reverse=True), -1001
            for asked, offset in sorted(seen):
                while acked and acked[-1][0] < asked:
                    promised = max(promised, acked.pop()[1])
                if offset < promised:
                    self.problem("offsets-back", f"{key}: {offset} was read, {promised} was acknowledged before")

    def etl(self):
        """Outputs are "topic/partition/offset" of the input, whose order per partition must be theirs."""
        history = self.history
        if history.etl_output is None:
            return
        outputs = collections.defaultdict(list)
        for (topic, partition), seen in self.final_committed.seen.items():
            if topic == history.etl_output:
                for offset, value in seen:
                    source, number, place = value.split("/")
                    outputs[source, int(number)].append(int(place))
        for (topic, partition), seen in self.final_committed.seen.items():
            if topic not in history.etl_inputs:
                continue
            inputs = [offset for offset, _ in seen]
            got = outputs[topic, partition]
            if got != inputs[:len(got)]:
                wrong = next(i for i, place in enumerate(got) if i >= len(inputs) or place != inputs[i])
                self.problem("etl", f"{topic}-{partition}: output {wrong} is of {got[wrong]}, due was "
                                    f"{inputs[wrong] if wrong < len(inputs) else 'nothing'}")
            committed = max((o for _, o in history.offsets_acked["etl", topic, partition]), default=0)
            due = sum(1 for offset in inputs if offset < committed)
            if len(got) < due:
                self.problem("etl", f"{topic}-{partition}: {len(got)} outputs, {due} inputs were committed")


def check(history, final_all, final_committed):
    """[(name, text)] of what must not be; empty is good."""
    return Checker(history, final_all, final_committed).check()
