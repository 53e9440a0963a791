"""A real Apache Kafka 3.9 on loopback: one KRaft node, started and stopped by its process id."""

import contextlib
import glob
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import uuid

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIBS = os.path.join(ROOT, "build", "deps", "kafka", "libs")
LIBS_4 = os.path.join(ROOT, "build", "deps", "kafka-4", "libs")  # Its tools.

PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={logs}
num.partitions=3
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.retention.ms=-1
log.cleaner.dedupe.buffer.size=4194304
log.cleaner.backoff.ms=300
log.segment.delete.delay.ms=1000
num.network.threads=2
num.io.threads=4
"""

LOG4J = """
log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %c %m%n
"""


def free_ports(count):
    """Ports that nobody listens at, and that the kernel gives to nobody who asks for any: those it takes for itself,
    for each client's end too, are above."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        first = int(file.read().split()[0])
    free = range(10_000, first if first > 11_000 else 65_536)
    ports, chance = [], random.SystemRandom()  # Workers that run side by side must not draw alike.
    while len(ports) < count:
        port = chance.choice(free)
        with contextlib.suppress(OSError), socket.socket() as s:
            s.bind(("127.0.0.1", port))
            ports += [port] if port not in ports else []
    return ports


class KafkaServer:
    """start() returns when the broker answers; stop() ends it and removes its files."""

    def __init__(self, heap="512m"):
        self.heap = heap
        self.home = None
        self.process = None
        self.address = None

    def start(self, timeout=300):
        if not glob.glob(os.path.join(LIBS, "kafka_2.13-*.jar")):
            raise RuntimeError(f"no Kafka in {LIBS}: run scripts/setup test")
        self.home = tempfile.mkdtemp(prefix="millrace-kafka-")
        port, controller = free_ports(2)
        self.address = f"127.0.0.1:{port}"
        self._write("server.properties", PROPERTIES.format(
            port=port, controller=controller, logs=os.path.join(self.home, "logs")))
        self._write("log4j.properties", LOG4J)
        with open(self.path("server.log"), "wb") as log:
            subprocess.run(
                self._java("kafka.tools.StorageTool", "format", "-t", self._cluster_id(),
                           "-c", self.path("server.properties")),
                stdout=log, stderr=log, timeout=timeout, check=True)
            self.process = subprocess.Popen(
                self._java("kafka.Kafka", self.path("server.properties")),
                stdout=log, stderr=log, start_new_session=True)
        self._wait(timeout)
        return self

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.home is not None:
            shutil.rmtree(self.home, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.home, name)

    def create_topic(self, topic, partitions=3, config=None):
        admin = AdminClient({"bootstrap.servers": self.address})
        new = NewTopic(topic, num_partitions=partitions, replication_factor=1, config=config or {})
        admin.create_topics([new])[topic].result(120)

    def delete_topic(self, topic):
        admin = AdminClient({"bootstrap.servers": self.address})  # Must outlive its futures.
        admin.delete_topics([topic])[topic].result(120)

    def produce(self, topic, partition_lines, rate=None, hurry=None):
        """Sends partition_lines[p] to partition p, in order, the partitions side by side.

        rate   rows a second over all partitions (None: as fast as it goes)
        hurry  threading.Event from which on no rate is kept
        ret    rows sent and acknowledged
        """
        failed = []
        producer = Producer({
            "bootstrap.servers": self.address, "linger.ms": 20, "batch.num.messages": 10000,
            "queue.buffering.max.messages": 200000, "enable.idempotence": True,
            "log_level": 3})

        def delivered(error, _message):
            if error is not None:
                failed.append(error)

        sent, begun = 0, time.monotonic()
        for partition, line in side_by_side(partition_lines):
            while True:
                try:
                    # A delivery report a row would be slow; an error alone is enough.
                    producer.produce(topic, line, partition=partition, on_delivery=delivered)
                    break
                except BufferError:
                    producer.poll(0.05)
            sent += 1
            if sent % 1000 == 0:
                producer.poll(0)
            if rate is not None and sent % 50 == 0 and not hurry.is_set():
                producer.poll(0)
                hurry.wait(max(0.0, begun + sent / rate - time.monotonic()))
        if producer.flush(120) or failed:
            raise RuntimeError(f"produce to {topic}: {failed[:1] or 'rows are left unsent'}")
        return sent

    def produce_in_background(self, topic, partition_lines, rate):
        """The same in a thread; ret has .hurry (Event), .join() and .failed (list)."""
        hurry, failed = threading.Event(), []

        def run():
            try:
                self.produce(topic, partition_lines, rate, hurry)
            except Exception as error:  # Handed to the test, which must not pass without its input.
                failed.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.hurry, thread.failed = hurry, failed
        thread.start()
        return thread

    def _java(self, main, *args):
        return ["java", f"-Xmx{self.heap}", f"-Xms{self.heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=4",
                f"-Dlog4j.configuration=file:{self.path('log4j.properties')}",
                "-cp", os.path.join(LIBS, "*"), main, *args]

    def _write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(text)

    def _wait(self, timeout):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                quiet = {"bootstrap.servers": self.address, "log_level": 0, "socket.timeout.ms": 1000}
                if AdminClient(quiet).list_topics(timeout=1).brokers:
                    return
            except KafkaException:
                time.sleep(0.1)
        with open(self.path("server.log"), encoding="utf-8", errors="replace") as log:
            tail = log.read()[-3000:]
        self.stop()
        raise RuntimeError(f"Kafka did not start in {timeout} s:\n{tail}")

    @staticmethod
    def _cluster_id():
        import base64
        # A first "-" would be taken for an option.
        return "m" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]


def side_by_side(partition_lines):
    """(partition, line) of several lists, each in order, all reaching their ends together."""
    total = [len(lines) for lines in partition_lines]
    done = [0] * len(total)
    longest = max(total, default=0)
    for step in range(1, longest + 1):
        for p, lines in enumerate(partition_lines):
            target = total[p] * step // longest
            while done[p] < target:
                yield p, lines[done[p]]
                done[p] += 1
