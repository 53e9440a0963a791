"""The load behind record_history.py: producers, transactions and readers, each a thread, until they are stopped.

What a client does about an error is what its manual says: a retriable one is tried again, an abortable one
aborts the transaction, a fatal one makes a new producer of the same id, which fences the old one.
"""

import random
import sys
import threading
import time
import traceback

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec
from confluent_kafka import IsolationLevel

import record_history as h

PLAIN, TRANSACTIONAL, OUTPUT = "plain", "transactional", "output"
PARTITIONS = 3
# Kills come every second: nobody may wait long for a broker that is back already.
PATIENT = {"reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 100, "retry.backoff.ms": 50,
           "retry.backoff.max.ms": 100, "socket.timeout.ms": 10000, "log_level": 0,
           "topic.metadata.refresh.interval.ms": 1000, "topic.metadata.refresh.fast.interval.ms": 50,
           "socket.connection.setup.timeout.ms": 2000}
TRANSACTION_TIMEOUT_S = 10
OFFSETS_TIMEOUT_S = 5
# librdkafka (2.16.0) forgets send_offsets_to_transaction when its FindCoordinator for the group meets a connection
# that breaks: it asks no more, and not even its own timeout ends the call. It is rare; a broker at fault is not.
ABANDONED_MOST = 0.25  # Of the kills.


class Load:
    def __init__(self, address, seed, history=None):
        self.address, self.seed = address, seed
        self.history = history or h.History()
        self.stopping = threading.Event()   # Writers end.
        self.reading_ends = threading.Event()
        self.threads, self.failed = [], []
        self.abandoned = 0  # Producers whose call does not come back.

    def config(self, **more):
        return {"bootstrap.servers": self.address, **PATIENT, **{k.replace("_", "."): v for k, v in more.items()}}

    def create_topics(self):
        create_topics(self.config(), (PLAIN, TRANSACTIONAL, OUTPUT), PARTITIONS)

    def start(self):
        starts = [(self.write_plain, "idem-0", True), (self.write_plain, "idem-1", True),
                  (self.write_plain, "loose", False), (self.write_transactions, "txn-0"),
                  (self.write_transactions, "txn-1"), (self.transform,),
                  (self.read_live, "live-all", False), (self.read_live, "live-committed", True),
                  (self.commit_offsets,)]
        for number, (run, *args) in enumerate(starts):
            thread = threading.Thread(
                target=self._run, args=(run, random.Random(f"{self.seed}/{number}"), args),
                name=" ".join(map(str, (run.__name__, *args))), daemon=True)
            thread.start()
            self.threads.append(thread)

    def _run(self, run, rng, args):
        try:
            run(rng, *args)
        except Exception as error:  # The test must not pass without its load.
            self.failed.append((run.__name__, args, repr(error)))

    def stop(self, strict=True, timeout=240):
        """Writers finish what they have begun; then readers end. Raises when one hangs, or, strictly, fails."""
        end = time.monotonic() + timeout
        self.stopping.set()
        for thread in self.threads:
            if not thread.name.startswith(("read_live", "commit_offsets")):
                thread.join(max(0.1, end - time.monotonic()))
        self.reading_ends.set()
        for thread in self.threads:
            thread.join(max(0.1, end - time.monotonic()))
        hanging = [f"{t.name}, {stands(t)}" for t in self.threads if t.is_alive()]
        if hanging or (strict and self.failed):
            raise AssertionError(f"hanging: {hanging}, failed: {self.failed}")

    # ---- writers -------------------------------------------------------------------------------------

    def delivered(self, write):
        def report(error, message):
            if error is None:
                write.state, write.offset = h.ACKED, message.offset()
                self.history.events += 1
            else:
                write.state = h.REFUSED
        return report

    def write_plain(self, rng, name, idempotent):
        history = self.history
        if idempotent:
            history.exactly_once.add(name)
        producer = Producer(self.config(enable_idempotence=idempotent, acks="all", linger_ms=rng.choice([0, 2, 5]),
                                        message_timeout_ms=60000, retries=1000000))
        sequence = 0
        while not self.stopping.is_set():
            key = rng.randrange(6)
            value = f"{name}:{key}:{sequence}" + "." * rng.choice([0, 20, 300, 2000])
            write = history.write(value, name, key, sequence, PLAIN, key % PARTITIONS)
            sequence += 1
            producer.produce(PLAIN, value, key=str(key), partition=write.partition, on_delivery=self.delivered(write))
            producer.poll(0)
            if len(producer) > 200 or rng.random() < 0.02:
                producer.flush(0.2)
            time.sleep(rng.choice([0, 0, 0.001, 0.004]))
        if producer.flush(60):
            raise AssertionError("writes are neither acknowledged nor refused")

    def transactional(self, name):
        """A producer whose earlier lives are fenced; tries until there is one or it is to stop late."""
        while True:
            producer = Producer(self.config(
                transactional_id=name, transaction_timeout_ms=TRANSACTION_TIMEOUT_S * 1000, linger_ms=1,
                message_timeout_ms=TRANSACTION_TIMEOUT_S * 1000))
            try:
                retry(lambda: producer.init_transactions(20))
                return producer
            except KafkaException as error:
                if not error.args[0].fatal() and not error.args[0].retriable():
                    raise

    def end(self, producer, transaction, commit):
        """True when the producer can go on. The outcome is noted as far as it is known."""
        try:
            if commit:
                transaction.outcome = h.UNKNOWN
                retry(lambda: producer.commit_transaction(20))
                transaction.outcome = h.COMMITTED
            else:
                retry(lambda: producer.abort_transaction(20))
                transaction.outcome = h.ABORTED
            return True
        except KafkaException as error:
            if error.args[0].txn_requires_abort():
                # The commit was refused before it was decided; else the error would be fatal.
                return self.end(producer, transaction, False)
            return False

    def write_transactions(self, rng, name):
        history = self.history
        history.exactly_once.add(name)
        producer, sequence, number = None, 0, 0
        while not self.stopping.is_set():
            if producer is None or rng.random() < 0.03:  # A new instance, often with one left open.
                producer = self.transactional(name)
            transaction = history.transaction(f"{name}/{number}")
            number += 1
            producer.begin_transaction()
            try:
                for _ in range(rng.randrange(1, 6)):
                    key = rng.randrange(6)
                    value = f"{name}:{key}:{sequence}" + "." * rng.choice([0, 20, 300])
                    write = history.write(value, name, key, sequence, TRANSACTIONAL, key % PARTITIONS, transaction)
                    transaction.writes.append(write)
                    sequence += 1
                    producer.produce(TRANSACTIONAL, value, key=str(key), partition=write.partition,
                                     on_delivery=self.delivered(write))
                    producer.poll(0)
                    if rng.random() < 0.2:
                        producer.flush(0.05)
            except KafkaException:
                pass  # In error already: the end says which.
            if rng.random() < 0.03:
                producer.flush(1)
                producer = None  # It dies; who comes next aborts it, or its time does.
                transaction.outcome = h.ABORTED
            elif not self.end(producer, transaction, rng.random() < 0.7):
                producer = None
        if producer is not None:
            producer.flush(120)

    def transform(self, rng):
        """Copies the plain topic's places to the output, its group's offsets within the transactions."""
        history = self.history
        history.etl_inputs, history.etl_output = (PLAIN,), OUTPUT
        consumer = producer = None
        while not self.stopping.is_set():
            if consumer is None or rng.random() < 0.02:
                if consumer is not None:
                    consumer.close()
                producer = self.transactional("etl")
                consumer = Consumer(self.config(group_id="etl", enable_auto_commit=False,
                                                auto_offset_reset="earliest", isolation_level="read_committed",
                                                session_timeout_ms=10000))
                consumer.assign(retry(lambda: resume(consumer, "etl"), lambda: None))
            messages = [m for m in consumer.consume(rng.randrange(1, 50), 0.1) if m.error() is None]
            if not messages:
                continue
            producer.begin_transaction()
            places = {}
            transaction = h.Transaction("etl")
            try:
                for m in messages:
                    producer.produce(OUTPUT, f"{m.topic()}/{m.partition()}/{m.offset()}", partition=m.partition())
                    places[m.topic(), m.partition()] = m.offset() + 1
                offsets = [TopicPartition(t, p, o) for (t, p), o in places.items()]
                self.send_offsets(producer, offsets, consumer.consumer_group_metadata())
                good = self.end(producer, transaction, rng.random() < 0.85)
            except Forgotten:
                good = False  # Who comes next aborts it.
            except KafkaException as error:
                good = error.args[0].txn_requires_abort() and self.end(producer, transaction, False)
            if good and transaction.outcome == h.COMMITTED:
                now = time.monotonic()
                for (t, p), offset in places.items():
                    history.offsets_acked["etl", t, p].append((now, offset))
            else:  # Back to what is committed.
                consumer.close()
                consumer = None
        if consumer is not None:
            consumer.close()

    def send_offsets(self, producer, offsets, group):
        """Gives up a producer whose call lasts far longer than its own timeout."""
        came = []

        def call():
            try:
                came.append(producer.send_offsets_to_transaction(offsets, group, OFFSETS_TIMEOUT_S))
            except KafkaException as error:
                came.append(error)

        def bounded():
            came.clear()
            thread = threading.Thread(target=call, name="send offsets", daemon=True)
            thread.start()
            thread.join(OFFSETS_TIMEOUT_S * 3)
            if thread.is_alive():
                self.abandoned += 1
                raise Forgotten()
            if came[0] is not None:
                raise came[0]

        retry(bounded)

    # ---- readers -------------------------------------------------------------------------------------

    def read_live(self, rng, name, committed):
        """Follows everything; a new reader goes on where the last one was."""
        reader = self.history.reader(name, committed)
        consumer, at = None, {(t, p): 0 for t in (PLAIN, TRANSACTIONAL, OUTPUT) for p in range(PARTITIONS)}
        while not self.reading_ends.is_set():
            if consumer is None or rng.random() < 0.005:
                if consumer is not None:
                    consumer.close()
                consumer = self.reading_from(at, committed)
            for m in consumer.consume(500, 0.1):
                if m.error() is None:
                    place = m.topic(), m.partition()
                    reader.seen[place].append((m.offset(), m.value().decode()))
                    at[place] = m.offset() + 1
        consumer.close()

    def reading_from(self, at, committed):
        consumer = Consumer(self.config(
            group_id="readers", enable_auto_commit=False, auto_offset_reset="error", fetch_wait_max_ms=50,
            isolation_level="read_committed" if committed else "read_uncommitted"))
        consumer.assign([TopicPartition(t, p, offset) for (t, p), offset in at.items()])
        return consumer

    def commit_offsets(self, rng):
        """A group of one that commits ever greater offsets and looks whether they stay."""
        consumer = Consumer(self.config(group_id="plain", enable_auto_commit=False))
        offsets = {p: 0 for p in range(PARTITIONS)}
        while not self.reading_ends.is_set():
            p = rng.randrange(PARTITIONS)
            offsets[p] += rng.randrange(1, 10)
            try:
                done = consumer.commit(offsets=[TopicPartition(PLAIN, p, offsets[p])], asynchronous=False)
                if done[0].error is None:
                    self.history.offsets_acked["plain", PLAIN, p].append((time.monotonic(), offsets[p]))
                asked = time.monotonic()
                for place in consumer.committed([TopicPartition(PLAIN, q) for q in offsets], timeout=5):
                    if place.error is None:
                        self.history.offsets_seen["plain", PLAIN, place.partition].append((asked, place.offset))
                time.sleep(0.005)
            except KafkaException:
                time.sleep(0.05)
        consumer.close()

    # ---- the end -------------------------------------------------------------------------------------

    def ends(self, committed):
        level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        admin = AdminClient(self.config())
        places = [TopicPartition(t, p) for t in (PLAIN, TRANSACTIONAL, OUTPUT) for p in range(PARTITIONS)]
        found = admin.list_offsets({place: OffsetSpec.latest() for place in places}, isolation_level=level)
        return {(place.topic, place.partition): future.result(120).offset for place, future in found.items()}

    def settle(self):
        """Waits until no transaction is open any more, at most a little longer than their time."""
        end = time.monotonic() + TRANSACTION_TIMEOUT_S + 60
        while True:
            stable, high = self.ends(True), self.ends(False)
            if stable == high or time.monotonic() > end:
                self.history.marks = {place: (stable[place], high[place]) for place in high}
                return
            time.sleep(0.3)

    def read_all(self, committed, timeout=240):
        """Everything from the beginning to the end, as a reader that comes now."""
        reader = h.Reader("final-committed" if committed else "final-all", committed)
        ends = self.ends(committed)
        consumer = self.reading_from({place: 0 for place in ends}, committed)
        limit = time.monotonic() + timeout
        left = {place for place, end in ends.items() if end > 0}
        while left:
            assert time.monotonic() < limit, f"{reader.name}: {left} were not read to their ends {ends}"
            for m in consumer.consume(2000, 0.1):
                if m.error() is None:
                    reader.seen[m.topic(), m.partition()].append((m.offset(), m.value().decode()))
            left -= {(p.topic, p.partition) for p in consumer.position(consumer.assignment())
                     if p.offset >= ends[p.topic, p.partition]}
        consumer.close()
        return reader

    def check(self):
        self.settle()
        return h.check(self.history, self.read_all(False), self.read_all(True))


class Forgotten(Exception):
    """A call that the client does not end."""


def stands(thread):
    """Where a thread is, the innermost call last: of one that hangs, all that is known."""
    stack = traceback.extract_stack(sys._current_frames()[thread.ident])
    return " > ".join(f"{f.name}:{f.lineno}" for f in stack if "threading" not in f.filename)


def create_topics(config, names, partitions):
    """By CreateTopics, or, of a server that lacks it, by asking for them (its own number of partitions)."""
    admin = AdminClient(config)
    try:
        for future in admin.create_topics([NewTopic(n, partitions, 1) for n in names]).values():
            future.result(120)
    except KafkaException as error:
        if error.args[0].code() != KafkaError._UNSUPPORTED_FEATURE:
            raise
        for name in names:
            admin.list_topics(name, timeout=120)


def resume(consumer, group):
    """Where a group stands, for assign; waits for offsets of transactions that are not over."""
    places = consumer.committed([TopicPartition(PLAIN, p) for p in range(PARTITIONS)], timeout=10)
    if any(p.error is not None for p in places):
        raise KafkaException(next(p.error for p in places if p.error is not None))
    return [TopicPartition(p.topic, p.partition, max(p.offset, 0)) for p in places]


def retry(call, between=lambda: None, timeout=90):
    """Again and again as long as the error says so."""
    end = time.monotonic() + timeout
    while True:
        try:
            return call()
        except KafkaException as error:
            again = error.args[0].retriable() or error.args[0].code() in (
                KafkaError._TIMED_OUT, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN,
                KafkaError._WAIT_COORD, KafkaError.UNSTABLE_OFFSET_COMMIT)
            if not again or error.args[0].fatal() or error.args[0].txn_requires_abort() or time.monotonic() > end:
                raise
            between()
            time.sleep(0.05)


def run(server, kills, seed, pause=(0.2, 1.5), behind=None):
    """Kills the server at random and starts it again, under load. The problems found, and the load.

    server  has .address, .kill() and .start(), which returns when it answers
    behind  called between a kill and the restart, with the number of the kill
    """
    rng = random.Random(seed)
    load = Load(server.address, seed)
    load.create_topics()
    load.start()
    for number in range(kills):
        time.sleep(rng.uniform(*pause))
        server.kill()
        if behind is not None:
            behind(number)
        server.start()
    time.sleep(1)
    load.stop(strict=behind is None)  # A server that lost something is refused by its clients too.
    return load.check(), load
