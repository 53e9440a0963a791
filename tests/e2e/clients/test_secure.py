"""Stock clients over TLS with SASL, as users whom ACLs let in; those that are slow to start with MILLRACE_SOAK=1."""

import asyncio
import os
import ssl
import subprocess

import aiokafka
import confluent_kafka
import kafka
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import (AclBinding, AclOperation, AclPermissionType, AdminClient, ResourcePatternType,
                                   ResourceType)

import stock
from broker_server import kcat
from conftest import SOAK
from kafka_server import LIBS, LIBS_4
from secure_broker import MECHANISMS, SecureBroker
from test_clients import kcat_version
from test_clients_slow import franz, kafkajs  # noqa: F401 Fixtures.
from test_java_tools import Tools

COUNT = 100
DEADLINE_S = 30
USER, PASSWORD = "alice", "alice-secret"
slow = pytest.mark.skipif(not SOAK, reason="only with MILLRACE_SOAK=1")


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """USER may do everything with topics and groups whose names begin with "s-"."""
    with SecureBroker(tmp_path_factory.mktemp("secure")) as one:
        admin = AdminClient(stock.reach(one))
        for kind in (ResourceType.TOPIC, ResourceType.GROUP):
            acl = AclBinding(kind, "s-", ResourcePatternType.PREFIXED, f"User:{USER}", "*", AclOperation.ALL,
                             AclPermissionType.ALLOW)
            admin.create_acls([acl])[acl].result(10)
        yield one


def librdkafka(broker, mechanism):
    return {"bootstrap.servers": broker.address, "security.protocol": "SASL_SSL", "ssl.ca.location": broker.ca,
            "sasl.mechanism": mechanism, "sasl.username": USER, "sasl.password": PASSWORD}


def each_mechanism(broker, client, version, round_trip):
    """round_trip(mechanism, topic) sends the records, and gives what it read of them as lines or as bytes."""
    with stock.shows(client, version, stock.SECURE):
        for mechanism in MECHANISMS:
            name = f"s-{client}-{version}-{mechanism}".replace(" ", "-").replace(",", "").replace(":", "")
            topic = stock.make_topic(broker, name.translate(str.maketrans("", "", "()")))
            got = round_trip(mechanism, topic)
            want = stock.records(COUNT)
            if isinstance(got, str):
                stock.same(stock.from_lines(got), want)
            else:
                stock.same(got, stock.as_bytes(want))
            stock.same(stock.stored(broker, topic), stock.as_bytes(want))
            assert stock.lag(broker, topic, topic) == 0


def test_kcat(broker):
    with stock.shows("kcat", kcat_version(), stock.SECURE):
        want = [(key, value, [("kind", "x")]) for key, value, _ in stock.records(COUNT)]  # Its headers are one run's.
        for mechanism in MECHANISMS:
            topic = stock.make_topic(broker, f"s-kcat-{mechanism}")
            come_in = [word for setting in librdkafka(broker, mechanism).items() for word in ("-X", "=".join(setting))]
            kcat(*come_in, "-P", "-t", topic, "-K", "\t", "-H", "kind=x",
                 stdin="".join(f"{key}\t{value}\n" for key, value, _ in want).encode())
            out = kcat(*come_in, "-q", "-c", str(COUNT), "-X", "auto.offset.reset=earliest", "-f", "%h\t%k\t%s\n",
                       "-G", topic, topic)
            stock.same(stock.from_lines(out.decode().replace("kind=", "kind:")), want)
            stock.same(stock.stored(broker, topic), stock.as_bytes(want))
            assert stock.lag(broker, topic, topic) == 0


def test_confluent_kafka(broker):
    def round_trip(mechanism, topic):
        producer = Producer({**librdkafka(broker, mechanism), "enable.idempotence": True})
        for key, value, headers in stock.records(COUNT):
            producer.produce(topic, value, key, headers=headers)
        assert producer.flush(DEADLINE_S) == 0
        consumer = Consumer({**librdkafka(broker, mechanism), "group.id": topic, "enable.auto.commit": False,
                             "auto.offset.reset": "earliest"})
        consumer.subscribe([topic])
        got = []
        while len(got) < COUNT:
            message, = consumer.consume(1, DEADLINE_S) or [None]
            assert message is not None and not message.error(), (len(got), message and message.error())
            got.append((message.key(), message.value(), message.headers()))
        consumer.commit(asynchronous=False)
        consumer.close()
        return got

    each_mechanism(broker, "confluent-kafka (librdkafka)", confluent_kafka.__version__, round_trip)


def test_kafka_python(broker):
    def round_trip(mechanism, topic):
        come_in = {"bootstrap_servers": broker.address, "security_protocol": "SASL_SSL", "ssl_cafile": broker.ca,
                   "sasl_mechanism": mechanism, "sasl_plain_username": USER, "sasl_plain_password": PASSWORD}
        producer = kafka.KafkaProducer(linger_ms=5, **come_in)
        sent = [producer.send(topic, value, key, headers=headers)
                for key, value, headers in stock.as_bytes(stock.records(COUNT))]
        producer.flush(DEADLINE_S)
        assert all(one.succeeded() for one in sent)
        producer.close()
        consumer = kafka.KafkaConsumer(topic, group_id=topic, enable_auto_commit=False, auto_offset_reset="earliest",
                                       consumer_timeout_ms=DEADLINE_S * 1000, **come_in)
        got = []
        for message in consumer:
            got.append((message.key, message.value, list(message.headers)))
            if len(got) == COUNT:
                break
        consumer.commit()
        consumer.close()
        return got

    each_mechanism(broker, "kafka-python", kafka.__version__, round_trip)


def test_aiokafka(broker):
    async def both_ways(mechanism, topic):
        come_in = {"bootstrap_servers": broker.address, "security_protocol": "SASL_SSL",
                   "ssl_context": ssl.create_default_context(cafile=broker.ca), "sasl_mechanism": mechanism,
                   "sasl_plain_username": USER, "sasl_plain_password": PASSWORD}
        producer = aiokafka.AIOKafkaProducer(linger_ms=5, **come_in)
        await producer.start()
        futures = [await producer.send(topic, value, key, headers=headers)
                   for key, value, headers in stock.as_bytes(stock.records(COUNT))]
        await asyncio.wait_for(asyncio.gather(*futures), DEADLINE_S)
        await producer.stop()
        consumer = aiokafka.AIOKafkaConsumer(topic, group_id=topic, enable_auto_commit=False,
                                             auto_offset_reset="earliest", **come_in)
        await consumer.start()
        got = []
        while len(got) < COUNT:
            message = await asyncio.wait_for(consumer.getone(), DEADLINE_S)
            got.append((message.key, message.value, list(message.headers)))
        await consumer.commit()
        await consumer.stop()
        return got

    each_mechanism(broker, "aiokafka", aiokafka.__version__,
                   lambda mechanism, topic: asyncio.run(both_ways(mechanism, topic)))


# ---- slow to start -------------------------------------------------------------------------------------


def outside(broker, mechanism):
    return {"STOCK_SASL": f"{mechanism}:{USER}:{PASSWORD}", "STOCK_CA": broker.ca}


@slow
def test_franz_go(broker, franz):  # noqa: F811
    program, version = franz

    def round_trip(mechanism, topic):
        done = subprocess.run([program, "round", broker.address, topic, str(COUNT)], capture_output=True, timeout=120,
                              check=False, env={**os.environ, **outside(broker, mechanism)})
        assert done.returncode == 0, done.stderr.decode()[-3000:]
        return done.stdout.decode()

    each_mechanism(broker, "franz-go", version, round_trip)


@slow
def test_kafkajs(broker, kafkajs, monkeypatch):  # noqa: F811
    def round_trip(mechanism, topic):
        for name, value in outside(broker, mechanism).items():
            monkeypatch.setenv(name, value)
        return kafkajs("round", broker.address, topic, str(COUNT))

    from test_clients_slow import KAFKAJS
    each_mechanism(broker, "KafkaJS", KAFKAJS, round_trip)


# ---- Java ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[LIBS, LIBS_4], ids=["3.9", "4.x"])
def tools(request):
    return Tools(request.param)


def java_config(broker, path, mechanism, user=USER, password=PASSWORD):
    module = "plain.Plain" if mechanism == "PLAIN" else "scram.Scram"
    path.write_text(
        f"security.protocol=SASL_SSL\nsasl.mechanism={mechanism}\nssl.truststore.type=PEM\n"
        f"ssl.truststore.location={broker.ca}\n"
        f"sasl.jaas.config=org.apache.kafka.common.security.{module}LoginModule required "
        f'username="{user}" password="{password}";\n', encoding="ascii")
    return str(path)


@slow
def test_java_console(broker, tools, tmp_path):
    producer, consumer = (("--producer.config", "--consumer.config") if tools.libs == LIBS
                          else ("--command-config",) * 2)

    def round_trip(mechanism, topic):
        config = java_config(broker, tmp_path / mechanism, mechanism)
        tools("ConsoleProducer", "--bootstrap-server", broker.address, "--topic", topic, producer, config, tools.reader,
              "parse.key=true", tools.reader, "parse.headers=true",
              stdin=stock.to_lines(stock.records(COUNT)).encode())
        return tools("ConsoleConsumer", "--bootstrap-server", broker.address, "--topic", topic, "--group", topic,
                     "--from-beginning", "--max-messages", str(COUNT), "--timeout-ms", "60000", consumer, config,
                     tools.formatter, "print.key=true", tools.formatter, "print.headers=true")

    each_mechanism(broker, f"Java {tools.version[0]}.x: kafka-console-producer, kafka-console-consumer", tools.version,
                   round_trip)


@slow
def test_java_admin(broker, tools, tmp_path):
    """The whole way of docs/broker.md: a user is made, let in by ACLs, writes, and is shut out again."""
    what = "over TLS with --command-config: a topic and a user of SCRAM made, let in by ACLs, refused without"
    with tools.shows("kafka-topics, kafka-configs, kafka-acls", what):
        admin = java_config(broker, tmp_path / "admin", "SCRAM-SHA-512", "admin", "admin-secret")
        at = ("--bootstrap-server", broker.address, "--command-config", admin)
        topic, name = f"orders-{tools.version}", f"carol-{tools.version}"
        tools("TopicCommand", *at, "--create", "--topic", topic, "--partitions", "2")
        assert topic in tools("TopicCommand", *at, "--list").split()
        tools("ConfigCommand", *at, "--alter", "--entity-type", "users", "--entity-name", name, "--add-config",
              "SCRAM-SHA-256=[iterations=5000,password=carol-secret]")
        carol = java_config(broker, tmp_path / "carol", "SCRAM-SHA-256", name, "carol-secret")

        def send():
            """What lies in the topic then: what fails is told to a logger that is not there."""
            flag = "--producer.config" if tools.libs == LIBS else "--command-config"
            tools.any_code("ConsoleProducer", "--bootstrap-server", broker.address, "--topic", topic, flag, carol,
                           "--producer-property", "max.block.ms=30000", stdin=b"one\n")
            return len(stock.stored(broker, topic))

        assert send() == 0
        tools("AclCommand", *at, "--add", "--allow-principal", f"User:{name}", "--producer", "--topic", topic)
        assert f"User:{name}" in tools("AclCommand", *at, "--list", "--topic", topic)
        assert send() == 1
        tools("AclCommand", *at, "--remove", "--force", "--allow-principal", f"User:{name}", "--producer", "--topic",
              topic)
        assert send() == 1
        wrong = java_config(broker, tmp_path / "wrong", "SCRAM-SHA-512", "admin", "no")
        done = tools.any_code("TopicCommand", "--bootstrap-server", broker.address, "--command-config", wrong, "--list")
        assert done.returncode != 0 and b"invalid credentials with SASL mechanism SCRAM-SHA-512" in done.stdout
