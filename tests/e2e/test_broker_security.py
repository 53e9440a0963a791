"""The embedded broker with SASL, TLS and ACLs, as stock clients meet them."""

import os
import re
import socket
import ssl
import subprocess
import time

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import (AclBinding, AclOperation, AclPermissionType, AdminClient, NewTopic,
                                   ResourcePatternType, ResourceType, ScramCredentialInfo, ScramMechanism,
                                   UserScramCredentialUpsertion)
from kafka import KafkaAdminClient

from broker_server import MILLRACE, Broker, Wire, wait_until
from secure_broker import MECHANISMS, Authority, SecureBroker, user

HANDSHAKE, METADATA, API_VERSIONS = 17, 3, 18


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with SecureBroker(tmp_path_factory.mktemp("secure")) as one:
        yield one


def refused(config, *codes):
    """Waits until a client that tries to come in reports an error: one of the codes, if any are named."""
    errors, end = [], time.monotonic() + 240
    admin = AdminClient({**config, "error_cb": lambda error: errors.append(error.code())})
    while not set(errors) & set(codes or errors):
        with pytest.raises(KafkaException):
            admin.list_topics(timeout=0.2)
        admin.poll(0)
        assert time.monotonic() < end, errors
    return True


def create(broker, topic):
    admin = AdminClient(broker.over_sasl())  # Must outlive its futures, as everywhere here.
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(60)


def round_trip(config, topic, values):
    producer = Producer(config)
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(120) == 0
    # Who may not use the group would wait for its coordinator when closing: nothing is committed.
    consumer = Consumer({**config, "group.id": "g-" + topic, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    from confluent_kafka import TopicPartition
    consumer.assign([TopicPartition(topic, 0, 0)])
    got, end = [], time.monotonic() + 120
    while len(got) < len(values) and time.monotonic() < end:
        message = consumer.poll(1)
        if message is not None and message.error() is None:
            got.append(message.value())
    consumer.close()
    return got


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("way", ["over_sasl", "over_tls"])
def test_a_user_with_the_right_password_comes_in(broker, mechanism, way):
    config = getattr(broker, way)
    metadata = AdminClient(config(**user("admin", "admin-secret", mechanism))).list_topics(timeout=60)
    assert list(metadata.brokers) == [1]
    for name, password in (("admin", "wrong"), ("nobody", "admin-secret")):
        assert refused(config(**user(name, password, mechanism)), KafkaError._AUTHENTICATION)


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
        with pytest.raises((EOFError, ConnectionError)):
            while wire.receive(1):
                pass
    wait_until(lambda: "TLS with" in broker.log(), what="a line about plain bytes")


def test_acls_say_who_may_do_what(broker):
    create(broker, "guarded")
    alice = broker.over_sasl(**user("alice", "alice-secret"))
    delivered = []
    producer = Producer({**alice, "message.timeout.ms": 3000})
    producer.produce("guarded", b"x", on_delivery=lambda error, _message: delivered.append(error))
    producer.flush(60)
    assert delivered[0].code() in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError._MSG_TIMED_OUT,
                                   KafkaError.UNKNOWN_TOPIC_OR_PART)
    admin = AdminClient(broker.over_sasl())
    for operation in (AclOperation.WRITE, AclOperation.READ):
        acl = AclBinding(ResourceType.TOPIC, "guard", ResourcePatternType.PREFIXED, "User:alice", "*", operation,
                         AclPermissionType.ALLOW)
        admin.create_acls([acl])[acl].result(60)
    assert round_trip(alice, "guarded", [b"y"]) == [b"y"]
    admin = AdminClient(alice)
    with pytest.raises(KafkaException) as caught:
        admin.create_topics([NewTopic("more", 1, 1)])["more"].result(60)
    assert caught.value.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    with pytest.raises(KafkaException) as caught:
        admin.delete_topics(["guarded"])["guarded"].result(60)
    assert caught.value.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_a_user_that_was_made_outlives_a_kill(broker):
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    change = UserScramCredentialUpsertion("carol", info, b"carol-secret", b"some-salt")
    admin = AdminClient(broker.over_sasl())
    admin.alter_user_scram_credentials([change])["carol"].result(60)
    broker.kill()
    broker.start()
    carol = broker.over_sasl(**user("carol", "carol-secret", "SCRAM-SHA-512"))
    assert list(AdminClient(carol).list_topics(timeout=60).brokers) == [1]
    assert refused(broker.over_sasl(**user("carol", "carol-secret", "SCRAM-SHA-256")), KafkaError._AUTHENTICATION)
    plain = AdminClient(broker.over_sasl(**user("carol", "carol-secret")))
    assert list(plain.list_topics(timeout=60).brokers) == [1]


def test_kafka_python_comes_in_too(broker):
    for protocol, address in (("SASL_PLAINTEXT", broker.sasl), ("SASL_SSL", broker.address)):
        for mechanism in MECHANISMS:
            admin = KafkaAdminClient(bootstrap_servers=address, security_protocol=protocol, sasl_mechanism=mechanism,
                                     sasl_plain_username="admin", sasl_plain_password="admin-secret",
                                     ssl_cafile=broker.ca)
            assert admin.list_topics() is not None
            admin.close()


def test_a_session_ends_unless_the_client_authenticates_again(tmp_path):
    with SecureBroker(tmp_path, ["broker.reauth=5 s"]) as broker:
        with Wire(broker.ports[0]) as wire:
            wire.send(HANDSHAKE, 0, b"\0\5PLAIN")
            wire.answer()
            token = b"\0admin\0admin-secret"
            wire.raw(len(token).to_bytes(4, "big") + token)
            assert wire.receive(4) == b"\0\0\0\0"
            wire.send(METADATA, 1, b"\0\0\0\0")
            wire.answer()
            time.sleep(5.2)
            wire.send(METADATA, 1, b"\0\0\0\0")
            assert wire.closed()
        admin = AdminClient(broker.over_sasl())  # librdkafka comes back by itself.
        for _ in range(8):
            assert list(admin.list_topics(timeout=60).brokers) == [1]
            time.sleep(0.7)


# ---- clear words ---------------------------------------------------------------------------------------


def test_the_log_says_who_was_refused_and_why(broker):
    for mechanism, words in (("PLAIN", "Invalid username or password"), ("SCRAM-SHA-256", "invalid credentials"),
                             ("SCRAM-SHA-512", "invalid credentials")):
        for name, password in (("admin", "wrong"), (f"nobody-{mechanism}", "admin-secret")):
            before = len(broker.log())
            assert refused(broker.over_tls(**user(name, password, mechanism)), KafkaError._AUTHENTICATION)
            line = rf'127\.0\.0\.1, user "{name}": Authentication failed.*{words}'
            wait_until(lambda: re.search(line, broker.log()[before:]), what=line)


def test_a_name_makes_no_line_of_the_log(broker):
    with Wire(broker.ports[0]) as wire:
        wire.send(HANDSHAKE, 0, b"\0\5PLAIN")
        wire.answer()
        token = b"\0eve\nmillrace: all is well\0x"
        wire.raw(len(token).to_bytes(4, "big") + token)
        assert wire.closed()
    wait_until(lambda: 'user "eve?millrace: all is well"' in broker.log(), what="a line about eve")


def test_a_client_that_does_not_trust_the_broker_is_told_apart(broker, tmp_path):
    before = len(broker.log())
    stranger = {"ssl.ca.location": Authority(tmp_path).path("ca.pem")}
    assert refused({**broker.over_tls_alone(), **stranger}, KafkaError._SSL)
    wait_until(lambda: "does not accept the broker's certificate" in broker.log()[before:], what="a line about trust")


def test_http_on_a_tls_port_is_named(broker):
    with socket.create_connection(("127.0.0.1", broker.ports[2]), timeout=60) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        while plain.recv(1000):
            pass
    wait_until(lambda: "http request" in broker.log(), what="a line about HTTP")


# ---- certificates of clients ---------------------------------------------------------------------------


def allow(broker, principal, topic):
    admin = AdminClient(broker.over_sasl())
    for kind, name in ((ResourceType.TOPIC, topic), (ResourceType.GROUP, "g-" + topic)):
        acl = AclBinding(kind, name, ResourcePatternType.LITERAL, principal, "*", AclOperation.ALL,
                         AclPermissionType.ALLOW)
        admin.create_acls([acl])[acl].result(60)


def may_write(config, topic, seconds=60):
    config = {**config, "message.timeout.ms": seconds * 1000}
    options = [word for name, value in config.items() for word in ("-X", f"{name}={value}")]
    done = subprocess.run(["kcat", "-P", "-t", topic, *options], input=b"x\n", capture_output=True, timeout=120,
                          check=False)
    return done.returncode == 0 and b"Delivery failed" not in done.stderr


def hangs_up(broker, certificate=None):
    """Whether the port with TLS alone closes on whoever shows this certificate, and answers nothing."""
    context = ssl.create_default_context(cafile=broker.ca)
    if certificate is not None:
        context.load_cert_chain(certificate["ssl.certificate.location"], certificate["ssl.key.location"])
    with socket.create_connection(("127.0.0.1", broker.ports[2]), timeout=60) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                secure.sendall(b"\0\0\0\x0a\0\x12\0\0\0\0\0\1\0\0")  # ApiVersions v0.
                return secure.recv(1) == b""
        except (ssl.SSLError, ConnectionError):
            return True


def resumes(broker, first, then):
    """Whether a session begun at one port is served at another."""
    context = ssl.create_default_context(cafile=broker.ca)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # Its session is there when the handshake is over.
    with socket.create_connection(("127.0.0.1", broker.ports[first]), timeout=60) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
            session = secure.session
    with socket.create_connection(("127.0.0.1", broker.ports[then]), timeout=60) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="127.0.0.1", session=session) as secure:
                secure.sendall(b"\0\0\0\x0a\0\x12\0\0\0\0\0\1\0\0")  # ApiVersions v0.
                return secure.session_reused and secure.recv(1) != b""
        except (ssl.SSLError, ConnectionError):
            return False


def test_a_client_is_who_its_certificate_says(tmp_path):
    """As Kafka's default rule has it: the whole name, in the order of RFC 2253."""
    authority = Authority(tmp_path / "clients")
    bob = authority.sign("bob", "/O=acme/OU=bills, and more/CN=bób")
    carol = authority.sign("carol", "/O=acme/CN=carol")
    with SecureBroker(tmp_path / "data", [f"broker.tls_client_ca={authority.path('ca.pem')}"]) as broker:
        create(broker, "bills")
        allow(broker, "User:CN=bób,OU=bills\\, and more,O=acme", "bills")
        assert round_trip(broker.over_tls_alone(**bob), "bills", [b"1", b"2"]) == [b"1", b"2"]
        assert not may_write(broker.over_tls_alone(**carol), "bills", 5)
        assert not may_write(broker.over_tls_alone(), "bills", 5)  # Comes in, as nobody.
        allow(broker, "User:ANONYMOUS", "bills")
        assert may_write(broker.over_tls_alone(), "bills")
        assert may_write(broker.over_tls(**carol), "bills")  # With SASL it is admin, whatever it shows.


def test_a_rule_says_who_a_certificates_client_is(tmp_path):
    authority = Authority(tmp_path / "clients")
    bob = authority.sign("bob", "/O=acme/OU=billing/CN=Bob")
    eve = authority.sign("eve", "/O=other/CN=Eve")
    settings = [f"broker.tls_client_ca={authority.path('ca.pem')}",
                r"broker.tls_principal_mapping_rules=RULE:^CN=(.*?),OU=billing,.*$/$1/L, RULE:^CN=(\w+),OU=.*$/$1/"]
    with SecureBroker(tmp_path / "data", settings) as broker:
        create(broker, "bills")
        allow(broker, "User:bob", "bills")
        assert round_trip(broker.over_tls_alone(**bob), "bills", [b"1", b"2"]) == [b"1", b"2"]
        assert hangs_up(broker, eve)  # No rule fits, and there is no DEFAULT.
        wait_until(lambda: 'fits its certificate\'s name "CN=Eve,O=other"' in broker.log(), what="a line about Eve")


def test_a_certificate_that_is_required_must_be_good(tmp_path):
    authority, other = Authority(tmp_path / "clients"), Authority(tmp_path / "others", "/CN=somebody else")
    bob = authority.sign("bob", "/CN=bob")
    bad = {"shows no certificate": None, "certificate has expired": authority.sign("old", "/CN=old", days=-1),
           "unable to get local issuer certificate": other.sign("eve", "/CN=eve")}
    settings = [f"broker.tls_client_ca={authority.path('ca.pem')}", "broker.tls_client_required=true"]
    with SecureBroker(tmp_path / "data", settings) as broker:
        for words, certificate in bad.items():
            before = len(broker.log())
            assert hangs_up(broker, certificate)
            wait_until(lambda: words in broker.log()[before:], what=words)
            assert refused(broker.over_tls_alone(**(certificate or {})))
        assert not hangs_up(broker, bob)
        # A session of the port that asks for none does not open the one that does.
        assert resumes(broker, 1, 1) and not resumes(broker, 1, 2)
        assert list(AdminClient(broker.over_tls_alone(**bob)).list_topics(timeout=60).brokers) == [1]
        # Who says by SASL who it is needs none, as in Kafka.
        assert list(AdminClient(broker.over_tls()).list_topics(timeout=60).brokers) == [1]


def test_what_is_wrong_with_the_settings_is_said_at_the_start(tmp_path):
    authority, other = Authority(tmp_path / "a"), Authority(tmp_path / "b")
    authority.sign("one", "/CN=localhost")
    other.sign("two", "/CN=localhost")
    subprocess.run(["openssl", "pkey", "-in", authority.path("one.key"), "-aes256", "-passout", "pass:secret",
                    "-out", authority.path("locked.key")], check=True)
    with open(authority.path("one.pem"), encoding="ascii") as one, \
            open(authority.path("chain.pem"), "w", encoding="ascii") as chain:
        own = one.read()
        chain.write(own + own[:len(own) // 2] + "\n")
    good = {"tls_certificate": authority.path("one.pem"), "tls_key": authority.path("one.key")}
    for words, changes in (
            ("asks for TLS, and no certificate is set", {"tls_key": None}),
            ("locked.key\": it is encrypted", {"tls_key": authority.path("locked.key")}),
            ("values mismatch", {"tls_key": other.path("two.key")}),
            ("no-such.pem", {"tls_certificate": authority.path("no-such.pem")}),
            ('bad rule "RULE:a/$1" for key "tls_principal_mapping_rules"', {"tls_principal_mapping_rules": "RULE:a/$1"}),
            ("chain.pem\": bad end line", {"tls_certificate": authority.path("chain.pem")}),
            ("chain.pem\": bad end line", {"tls_client_ca": authority.path("chain.pem")}),
            ("nobody is named who signs them", {"tls_client_required": "true"}),
            ("extensions", {"tls_client_ca": authority.path("extensions")})):
        settings = {name: value for name, value in {**good, **changes}.items() if value is not None}
        args = [word for name, value in settings.items() for word in ("-c", f"broker.{name}={value}")]
        done = subprocess.run([MILLRACE, "broker", "--data", str(tmp_path / "data"), "-c",
                               "broker.listen=127.0.0.1:0?tls", *args], capture_output=True, timeout=120, check=False)
        assert done.returncode != 0 and words in done.stderr.decode(), (words, done.stderr.decode())


# ---- containers' bridges -------------------------------------------------------------------------------


class Namespace:
    """A network of its own with an empty /sys/class/net of its own, until its process is ended."""

    def __init__(self):
        self.process = subprocess.Popen(["unshare", "-n", "-m", "sh", "-c", "mount -t sysfs sysfs /sys && "
                                         "ip link set lo up && echo ready && exec sleep 600"],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            pytest.skip(f"no network namespaces here: {self.process.stderr.read().decode()}")

    def inside(self, *args):
        return ["nsenter", "-t", str(self.process.pid), "-n", "-m", *args]

    def run(self, *args):
        return subprocess.run(self.inside(*args), capture_output=True, timeout=120, check=False)

    def ip(self, *args):
        done = self.run("ip", *args)
        assert done.returncode == 0, (args, done.stderr)

    def cable(self, other, here, there):
        """Two ends, one in each."""
        self.ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", str(other.process.pid))
        for space, name in ((self, here), (other, there)):
            space.ip("link", "set", name, "up")

    def end(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def namespaces():
    made = []

    def make():
        made.append(Namespace())
        return made[-1]

    yield make
    for one in made:
        one.end()


class BridgeBroker(Broker):
    """In a namespace, which has the address in the first listener that is not of loopback."""

    def __init__(self, home, space, listen):
        super().__init__(data=str(home))
        self.space, self.listen = space, listen

    def start(self, timeout=20):
        self.errors = open(os.path.join(self.data, "stderr.log"), "ab")
        self.process = subprocess.Popen(
            self.space.inside(MILLRACE, "broker", "--data", self.data, "-c", f"broker.listen={self.listen}"),
            stdout=subprocess.PIPE, stderr=self.errors, start_new_session=True)
        self.lines = [self.process.stdout.readline().decode().strip() for _ in self.listen.split(",")]
        return self


def host_with_bridge(namespaces):
    host = namespaces()
    host.ip("link", "add", "docker0", "type", "bridge")
    host.ip("addr", "add", "172.17.0.1/16", "dev", "docker0")
    host.ip("link", "set", "docker0", "up")
    return host


def test_containers_reach_a_listener_at_their_bridge_and_neighbours_do_not(tmp_path, namespaces):
    host, container, neighbour = host_with_bridge(namespaces), namespaces(), namespaces()
    host.cable(container, "veth1", "eth0")
    host.ip("link", "set", "veth1", "master", "docker0")
    container.ip("addr", "add", "172.17.0.2/16", "dev", "eth0")
    host.cable(neighbour, "eth0", "eth0")  # A network of other machines.
    host.ip("addr", "add", "10.9.0.1/24", "dev", "eth0")
    neighbour.ip("addr", "add", "10.9.0.2/24", "dev", "eth0")
    neighbour.ip("route", "add", "172.17.0.0/16", "via", "10.9.0.1")
    for named in ("172.17.0.1", "docker0"):
        with BridgeBroker(tmp_path, host, f"127.0.0.1:0,{named}:0") as broker:
            assert all(broker.lines), broker.log()
            address = broker.lines[1]
            assert address.startswith("172.17.0.1:")
            with open(os.path.join(broker.data, "broker", "container_address"), encoding="ascii") as file:
                assert file.read() == address + "\n"
            listed = container.run("kcat", "-b", address, "-L", "-m", "60")
            assert listed.returncode == 0 and f"broker 1 at {address}".encode() in listed.stdout, listed
            assert host.run("kcat", "-b", address, "-L", "-m", "60").returncode == 0
            other = neighbour.run("kcat", "-b", address, "-L", "-m", "2")
            assert other.returncode != 0, other
            wait_until(lambda: "refused a connection of 10.9.0.2:" in broker.log(), what="a line about the neighbour")
            assert "is for this machine's containers" in broker.log()
        assert not os.path.exists(os.path.join(tmp_path, "broker", "container_address"))


def test_only_a_bridge_that_ends_in_this_machine_needs_no_security(tmp_path, namespaces):
    def start(listen):
        done = host.run(MILLRACE, "broker", "--data", str(tmp_path), "-c", f"broker.listen={listen}")
        assert done.returncode == 2, done
        return done.stderr.decode()

    host = host_with_bridge(namespaces)
    host.ip("addr", "add", "172.18.0.1/16", "dev", "lo")  # An address like a bridge's, and none.
    for listen in ("172.18.0.1:0", "0.0.0.0:0", "docker1:0"):
        assert "can be reached from other machines and has no security" in start(listen)
    host.ip("link", "add", "br0", "type", "bridge")  # Of nobody's containers.
    host.ip("addr", "add", "172.19.0.1/16", "dev", "br0")
    assert "has no security" in start("172.19.0.1:0")
    host.ip("tuntap", "add", "tap0", "mode", "tap")
    host.ip("link", "set", "tap0", "master", "docker0")
    assert "has no security" in start("172.17.0.1:0")
