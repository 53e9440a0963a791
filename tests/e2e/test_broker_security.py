"""The embedded broker with SASL, TLS and ACLs, as stock clients meet them."""

import os
import subprocess
import time

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import (AclBinding, AclOperation, AclPermissionType, AdminClient, NewTopic,
                                   ResourcePatternType, ResourceType, ScramCredentialInfo, ScramMechanism,
                                   UserScramCredentialUpsertion)
from kafka import KafkaAdminClient

from broker_server import MILLRACE, Broker, Wire, wait_until

HANDSHAKE, METADATA, API_VERSIONS = 17, 3, 18
ADMIN = {"sasl.mechanism": "PLAIN", "sasl.username": "admin", "sasl.password": "admin-secret"}
QUIET = {"log_level": 0, "socket.timeout.ms": 5000}


class SecureBroker(Broker):
    """Three listeners: plain TCP with SASL, TLS with SASL, TLS alone."""

    def __init__(self, home, settings=()):
        super().__init__(data=str(home), settings=settings)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost/O=millrace", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                        "-keyout", self.path("key.pem"), "-out", self.path("cert.pem")],
                       check=True, capture_output=True)

    def path(self, name):
        return os.path.join(self.data, name)

    def start(self, timeout=20):
        ports = getattr(self, "ports", [0, 0, 0])
        listen = ",".join(f"127.0.0.1:{port}{how}" for port, how in zip(ports, ("?sasl", "?tls?sasl", "?tls")))
        args = [MILLRACE, "broker", "--data", self.data, "-c", f"broker.listen={listen}",
                "-c", f"broker.tls_certificate={self.path('cert.pem')}", "-c", f"broker.tls_key={self.path('key.pem')}",
                "-c", "broker.users=admin:admin-secret,alice:alice-secret", "-c", "broker.super_users=User:admin",
                "-c", "broker.acls=true"]
        for setting in self.settings:
            args += ["-c", setting]
        self.errors = open(self.path("stderr.log"), "ab")
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=self.errors, start_new_session=True)
        lines = [self.process.stdout.readline().decode().strip() for _ in range(3)]
        assert all(lines), self.log()
        self.ports = [int(line.rsplit(":", 1)[1]) for line in lines]
        self.sasl, self.tls_sasl, self.tls = lines
        return self

    def over_sasl(self, **more):
        return {"bootstrap.servers": self.sasl, "security.protocol": "SASL_PLAINTEXT", **QUIET, **ADMIN, **more}

    def over_tls(self, **more):
        return {"bootstrap.servers": self.tls_sasl, "security.protocol": "SASL_SSL", **QUIET, **ADMIN,
                "ssl.ca.location": self.path("cert.pem"), **more}


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with SecureBroker(tmp_path_factory.mktemp("secure")) as one:
        yield one


def user(name, password, mechanism="PLAIN"):
    return {"sasl.mechanism": mechanism, "sasl.username": name, "sasl.password": password}


def refused(config):
    """The error that a client reports which tries to come in."""
    errors = []
    admin = AdminClient({**config, "error_cb": errors.append})
    with pytest.raises(KafkaException):
        admin.list_topics(timeout=3)
    admin.poll(1)
    return [error.code() for error in errors]


def create(broker, topic):
    admin = AdminClient(broker.over_sasl())  # Must outlive its futures, as everywhere here.
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(10)


def round_trip(config, topic, values):
    producer = Producer(config)
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(20) == 0
    consumer = Consumer({**config, "group.id": "g-" + topic, "auto.offset.reset": "earliest"})
    from confluent_kafka import TopicPartition
    consumer.assign([TopicPartition(topic, 0, 0)])
    got, end = [], time.monotonic() + 30
    while len(got) < len(values) and time.monotonic() < end:
        message = consumer.poll(1)
        if message is not None and message.error() is None:
            got.append(message.value())
    consumer.close()
    return got


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("way", ["over_sasl", "over_tls"])
def test_a_user_with_the_right_password_comes_in(broker, mechanism, way):
    config = getattr(broker, way)
    metadata = AdminClient(config(**user("admin", "admin-secret", mechanism))).list_topics(timeout=10)
    assert list(metadata.brokers) == [1]
    for name, password in (("admin", "wrong"), ("nobody", "admin-secret")):
        assert KafkaError._AUTHENTICATION in refused(config(**user(name, password, mechanism)))


def test_records_pass_through_tls_unharmed(broker):
    create(broker, "over-tls")
    values = [os.urandom(size) for size in (1, 100, 20_000, 300_000) for _ in range(20)]
    assert round_trip(broker.over_tls(), "over-tls", values) == values


def test_the_java_clients_scheme_of_sasl_v0_works(broker):
    """Handshake version 0: the tokens come as bare frames."""
    with Wire(broker.ports[0]) as wire:
        wire.send(HANDSHAKE, 0, b"\0\5PLAIN")
        assert wire.answer()[1][:2] == b"\0\0"
        token = b"\0admin\0admin-secret"
        wire.raw(len(token).to_bytes(4, "big") + token)
        assert wire.receive(4) == b"\0\0\0\0"
        wire.send(METADATA, 1, b"\0\0\0\0")
        assert wire.answer()[0] == wire.correlation
    with Wire(broker.ports[0]) as wire:
        wire.send(HANDSHAKE, 0, b"\0\5PLAIN")
        wire.answer()
        wire.raw(b"\0\0\0\4\0a\0b")
        assert wire.closed()


def test_nothing_is_answered_before_the_client_is_known(broker):
    with Wire(broker.ports[0]) as wire:
        wire.send(API_VERSIONS, 0)
        assert wire.answer()[1][:2] == b"\0\0"
        wire.send(METADATA, 1, b"\0\0\0\0")
        assert wire.closed()
    with Wire(broker.ports[0]) as wire:
        wire.send(HANDSHAKE, 1, b"\0\6GSSAPI")
        assert wire.answer()[1][:2] == b"\0\x21"  # UNSUPPORTED_SASL_MECHANISM
        assert wire.closed()
    with Wire(broker.ports[2]) as wire:  # Plain bytes where TLS is spoken.
        wire.send(API_VERSIONS, 0)
        with pytest.raises(EOFError):
            while wire.receive(1):
                pass
    wait_until(lambda: "TLS with" in broker.log(), what="a line about plain bytes")


def test_acls_say_who_may_do_what(broker):
    create(broker, "guarded")
    alice = broker.over_sasl(**user("alice", "alice-secret"))
    delivered = []
    producer = Producer({**alice, "message.timeout.ms": 3000})
    producer.produce("guarded", b"x", on_delivery=lambda error, _message: delivered.append(error))
    producer.flush(10)
    assert delivered[0].code() in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError._MSG_TIMED_OUT,
                                   KafkaError.UNKNOWN_TOPIC_OR_PART)
    admin = AdminClient(broker.over_sasl())
    for operation in (AclOperation.WRITE, AclOperation.READ):
        acl = AclBinding(ResourceType.TOPIC, "guard", ResourcePatternType.PREFIXED, "User:alice", "*", operation,
                         AclPermissionType.ALLOW)
        admin.create_acls([acl])[acl].result(10)
    assert round_trip(alice, "guarded", [b"y"]) == [b"y"]
    admin = AdminClient(alice)
    with pytest.raises(KafkaException) as caught:
        admin.create_topics([NewTopic("more", 1, 1)])["more"].result(10)
    assert caught.value.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    with pytest.raises(KafkaException) as caught:
        admin.delete_topics(["guarded"])["guarded"].result(10)
    assert caught.value.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_a_user_that_was_made_outlives_a_kill(broker):
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    change = UserScramCredentialUpsertion("carol", info, b"carol-secret", b"some-salt")
    admin = AdminClient(broker.over_sasl())
    admin.alter_user_scram_credentials([change])["carol"].result(10)
    broker.kill()
    broker.start()
    carol = broker.over_sasl(**user("carol", "carol-secret", "SCRAM-SHA-512"))
    assert list(AdminClient(carol).list_topics(timeout=10).brokers) == [1]
    assert KafkaError._AUTHENTICATION in refused(broker.over_sasl(**user("carol", "carol-secret", "SCRAM-SHA-256")))
    plain = AdminClient(broker.over_sasl(**user("carol", "carol-secret")))
    assert list(plain.list_topics(timeout=10).brokers) == [1]


def test_kafka_python_comes_in_too(broker):
    for protocol, address in (("SASL_PLAINTEXT", broker.sasl), ("SASL_SSL", broker.tls_sasl)):
        for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
            admin = KafkaAdminClient(bootstrap_servers=address, security_protocol=protocol, sasl_mechanism=mechanism,
                                     sasl_plain_username="admin", sasl_plain_password="admin-secret",
                                     ssl_cafile=broker.path("cert.pem"))
            assert admin.list_topics() is not None
            admin.close()


def test_a_session_ends_unless_the_client_authenticates_again(tmp_path):
    with SecureBroker(tmp_path, ["broker.reauth=1 s"]) as broker:
        with Wire(broker.ports[0]) as wire:
            wire.send(HANDSHAKE, 0, b"\0\5PLAIN")
            wire.answer()
            token = b"\0admin\0admin-secret"
            wire.raw(len(token).to_bytes(4, "big") + token)
            assert wire.receive(4) == b"\0\0\0\0"
            wire.send(METADATA, 1, b"\0\0\0\0")
            wire.answer()
            time.sleep(1.2)
            wire.send(METADATA, 1, b"\0\0\0\0")
            assert wire.closed()
        admin = AdminClient(broker.over_sasl())  # librdkafka comes back by itself.
        for _ in range(3):
            assert list(admin.list_topics(timeout=10).brokers) == [1]
            time.sleep(0.7)
