"""While the disk takes its time over one client's change, the broker's only server thread serves the others."""

import contextlib
import os
import struct
import subprocess
import threading

import pytest
from broker_server import Broker, Wire
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import (AclBinding, AclOperation, AclPermissionType, AdminClient, AlterConfigOpType,
                                   ConfigEntry, ConfigResource, NewPartitions, NewTopic, ResourcePatternType,
                                   ResourceType)

# Syncs wait for as long as the gate is there; the first of them says that it waits.
GATE_C = r"""
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
static int gated(long call, int file) {
    const char *gate = getenv("SYNC_GATE"), *met = getenv("SYNC_GATE_MET");
    for (int first = 1; access(gate, F_OK) == 0; first = 0) {
        if (first) {
            close(open(met, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
        }
        usleep(2000);
    }
    return (int)syscall(call, file);
}
int fdatasync(int file) { return gated(SYS_fdatasync, file); }
int fsync(int file) { return gated(SYS_fsync, file); }
int syncfs(int file) { return gated(SYS_syncfs, file); }
"""


class Gate:
    def __init__(self, folder):
        self.path, self.met = os.path.join(folder, "gate"), os.path.join(folder, "met")
        source, self.library = os.path.join(folder, "gate.c"), os.path.join(folder, "gate.so")
        with open(source, "w", encoding="ascii") as file:
            file.write(GATE_C)
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-shared", "-fPIC", source, "-o", self.library], check=True)

    def env(self):
        return {"LD_PRELOAD": self.library, "SYNC_GATE": self.path, "SYNC_GATE_MET": self.met}

    @contextlib.contextmanager
    def closed(self):
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.met)
        with open(self.path, "wb"):
            pass
        try:
            yield
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.remove(self.path)

    def wait(self):
        """Until a sync waits."""
        for _ in range(120_000):
            if os.path.exists(self.met):
                return
            threading.Event().wait(0.001)
        raise AssertionError("nothing was synced")


@pytest.fixture(scope="module")
def gated(tmp_path_factory):
    if "asan" in os.environ.get("BUILD", "") or "tsan" in os.environ.get("BUILD", ""):
        pytest.skip("a sanitizer must be the first library")
    gate = Gate(str(tmp_path_factory.mktemp("gate")))
    broker = Broker(settings=["broker.threads=1", "broker.acls=true", "broker.super_users=User:ANONYMOUS"])
    before = {name: os.environ.get(name) for name in gate.env()}
    os.environ.update(gate.env())
    try:
        broker.start()
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.callback(broker.stop)
        admin = AdminClient({"bootstrap.servers": broker.address})
        for future in admin.create_topics([NewTopic(t, 1) for t in ("there", "gone")]).values():
            future.result(120)
        producer = Producer({"bootstrap.servers": broker.address})
        for _ in range(10):
            producer.produce("there", b"x")
        assert producer.flush(120) == 0
        yield broker, gate, admin


def resource(**configs):
    entries = [ConfigEntry(k, v, incremental_operation=AlterConfigOpType.SET) for k, v in configs.items()]
    return ConfigResource(ConfigResource.Type.TOPIC, "there", incremental_configs=entries)


def text(word):
    return struct.pack(">h", len(word)) + word.encode()


ADMIN = {
    "create": lambda a: a.create_topics([NewTopic("made", 3)]),
    "grow": lambda a: a.create_partitions([NewPartitions("there", 2)]),
    "alter": lambda a: a.incremental_alter_configs([resource(**{"max.message.bytes": "1000000"})]),
    "delete-records": lambda a: a.delete_records([TopicPartition("there", 0, 5)]),
    "acls": lambda a: a.create_acls([AclBinding(ResourceType.TOPIC, "x", ResourcePatternType.LITERAL, "User:u", "*",
                                                AclOperation.READ, AclPermissionType.ALLOW)]),
    "delete": lambda a: a.delete_topics(["gone"]),
}
# key, version, body; these make topics.
BYTES = {
    "metadata": (3, 1, struct.pack(">i", 1) + text("asked-for")),
    "coordinator": (10, 0, text("a-group")),
}


def metadata_of_all(port):
    with Wire(port) as wire:
        wire.send(3, 1, struct.pack(">i", 0))
        return wire.answer()


@pytest.mark.parametrize("change", ADMIN)
def test_others_are_served_while_a_change_is_synced(gated, change):
    broker, gate, admin = gated
    with gate.closed():
        futures = list(ADMIN[change](admin).values())
        gate.wait()
        for _ in range(3):
            metadata_of_all(broker.port)  # Fails after a minute.
        assert not any(future.done() for future in futures)
    for future in futures:
        future.result(120)


@pytest.mark.parametrize("change", BYTES)
def test_others_are_served_while_a_topic_is_made_on_demand(gated, change):
    broker, gate, _admin = gated
    with Wire(broker.port, timeout=60) as asker:
        with gate.closed():
            asker.send(*BYTES[change])
            gate.wait()
            metadata_of_all(broker.port)
        assert asker.answer()


def test_who_goes_away_meanwhile_leaves_a_whole_topic(gated):
    broker, gate, admin = gated
    with gate.closed():
        with Wire(broker.port) as asker:
            asker.send(3, 1, struct.pack(">i", 1) + text("left-alone"))
            gate.wait()
        for _ in range(20):
            metadata_of_all(broker.port)
    assert broker.alive()
    admin.create_topics([NewTopic("behind-it", 1)])["behind-it"].result(120)  # The clerk was done with the other.
    assert "left-alone" in admin.list_topics(timeout=120).topics


def test_an_end_waits_for_a_change_that_is_under_way(gated):
    broker, gate, _admin = gated
    with Wire(broker.port) as asker:
        with gate.closed():
            asker.send(3, 1, struct.pack(">i", 1) + text("at-the-end"))
            gate.wait()
            stopper = threading.Thread(target=broker.stop)
            stopper.start()
            stopper.join(0.5)
            assert stopper.is_alive()
        stopper.join(60)
        assert not stopper.is_alive()
    broker.start()  # With the port that it had, and no gate.
    admin = AdminClient({"bootstrap.servers": broker.address})
    assert "at-the-end" in admin.list_topics(timeout=120).topics
