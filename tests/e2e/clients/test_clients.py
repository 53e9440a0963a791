"""Stock clients against the embedded broker: kcat and those of Python."""

import asyncio
import re
import subprocess

import aiokafka
import confluent_kafka
import kafka
import pytest
from confluent_kafka import Consumer, Producer

import stock
from broker_server import Broker, kcat

COUNT = 300
DEADLINE_S = 30


@pytest.fixture(scope="module")
def broker():
    with Broker() as one:
        yield one


@pytest.fixture
def topic(broker, request):
    return stock.make_topic(broker, re.sub(r"[^a-zA-Z0-9._-]", "-", request.node.name))


def need_transactions(broker):
    if not stock.transactions_served(broker):
        pytest.skip("the broker serves no transactions yet")


def check_round_trip(broker, topic, got, count=COUNT):
    """What the client under test read is what was meant, is what lies there, and its group has committed all of it."""
    want = stock.as_bytes(stock.records(count))
    stock.same(got, want)
    stock.same(stock.stored(broker, topic), want)
    assert stock.lag(broker, topic, topic) == 0


def check_copied(broker, topic, output):
    """The committed copy is seen, the aborted one before it lies there unseen, and the group's offsets came with the copy."""
    stock.same(stock.stored(broker, output), stock.as_bytes(stock.records(COUNT)))
    assert len(stock.stored(broker, output, "read_uncommitted")) == 2 * COUNT
    assert stock.lag(broker, topic, topic) == 0


def kcat_version():
    return re.search(r"Version (\S+)", subprocess.run(
        ["kcat", "-V"], capture_output=True, text=True, check=True).stdout).group(1)


def test_kcat(broker, topic):
    with stock.shows("kcat", kcat_version(), stock.ROUND_TRIP):
        want = [(key, value, [("kind", "x")]) for key, value, _ in stock.records(COUNT)]  # Its headers are one run's.
        kcat("-b", broker.address, "-P", "-t", topic, "-K", "\t", "-H", "kind=x", "-X", "enable.idempotence=true",
             stdin="".join(f"{key}\t{value}\n" for key, value, _ in want).encode())
        assert stock.lag(broker, topic, topic) == COUNT
        out = kcat("-b", broker.address, "-q", "-c", str(COUNT), "-X", "auto.offset.reset=earliest",
                   "-f", "%h\t%k\t%s\n", "-G", topic, topic)
        stock.same(stock.from_lines(out.decode().replace("kind=", "kind:")), want)
        stock.same(stock.stored(broker, topic), stock.as_bytes(want))
        assert stock.lag(broker, topic, topic) == 0


# ---- confluent-kafka -----------------------------------------------------------------------------------


def confluent_read(broker, topic, count, group=None, **settings):
    """Reads so many as a member of a group; the consumer stays open."""
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": group or topic, "enable.auto.commit": False,
                         "auto.offset.reset": "earliest", **settings})
    consumer.subscribe([topic])
    got = []
    while len(got) < count:
        message, = consumer.consume(1, DEADLINE_S) or [None]
        assert message is not None and not message.error(), (len(got), message and message.error())
        got.append((message.key(), message.value(), message.headers()))
    return consumer, got


def confluent_send(producer, topic, some):
    """The queue is larger than what is sent here."""
    for key, value, headers in some:
        producer.produce(topic, value, key, headers=headers)


def confluent_fill(broker, topic):
    producer = Producer({"bootstrap.servers": broker.address, "enable.idempotence": True})
    confluent_send(producer, topic, stock.records(COUNT))
    assert producer.flush(DEADLINE_S) == 0


def test_confluent_kafka(broker, topic):
    with stock.shows("confluent-kafka (librdkafka)", confluent_kafka.__version__, stock.ROUND_TRIP):
        confluent_fill(broker, topic)
        consumer, got = confluent_read(broker, topic, COUNT)
        consumer.commit(asynchronous=False)
        consumer.close()
        check_round_trip(broker, topic, got)


def test_confluent_kafka_transactions(broker, topic):
    need_transactions(broker)
    with stock.shows("confluent-kafka (librdkafka)", confluent_kafka.__version__, stock.TRANSACTIONS):
        output = stock.make_topic(broker, f"{topic}-out")
        confluent_fill(broker, topic)
        producer = Producer({"bootstrap.servers": broker.address, "transactional.id": topic})
        producer.init_transactions(DEADLINE_S)
        consumer, got = confluent_read(broker, topic, COUNT)
        for commit in (False, True):
            producer.begin_transaction()
            confluent_send(producer, output, got if commit else stock.records(COUNT, first=COUNT))
            producer.flush(DEADLINE_S)
            producer.send_offsets_to_transaction(
                consumer.position(consumer.assignment()), consumer.consumer_group_metadata(), DEADLINE_S)
            if commit:
                producer.commit_transaction(DEADLINE_S)
            else:
                producer.abort_transaction(DEADLINE_S)
                assert stock.stored(broker, output) == []
                assert stock.lag(broker, topic, topic) == COUNT
        consumer.close()
        check_copied(broker, topic, output)
        again, got = confluent_read(broker, output, COUNT, group=f"{topic}-again")
        again.close()
        stock.same(got, stock.as_bytes(stock.records(COUNT)))


# ---- kafka-python --------------------------------------------------------------------------------------


def test_kafka_python(broker, topic):
    with stock.shows("kafka-python", kafka.__version__, stock.ROUND_TRIP):
        producer = kafka.KafkaProducer(bootstrap_servers=broker.address, linger_ms=5)  # Idempotent by default.
        sent = [producer.send(topic, value, key, headers=headers)
                for key, value, headers in stock.as_bytes(stock.records(COUNT))]
        producer.flush(DEADLINE_S)
        assert all(one.succeeded() for one in sent)
        producer.close()
        consumer = kafka.KafkaConsumer(topic, bootstrap_servers=broker.address, group_id=topic, enable_auto_commit=False,
                                       auto_offset_reset="earliest", consumer_timeout_ms=DEADLINE_S * 1000)
        got = []
        for message in consumer:
            got.append((message.key, message.value, list(message.headers)))
            if len(got) == COUNT:
                break
        consumer.commit()
        consumer.close()
        check_round_trip(broker, topic, got)


# ---- aiokafka ------------------------------------------------------------------------------------------


async def aiokafka_read(broker, topic):
    consumer = aiokafka.AIOKafkaConsumer(topic, bootstrap_servers=broker.address, group_id=topic,
                                         enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    got = []
    while len(got) < COUNT:
        message = await asyncio.wait_for(consumer.getone(), DEADLINE_S)
        got.append((message.key, message.value, list(message.headers)))
    return consumer, got


async def aiokafka_send(producer, topic, some):
    futures = [await producer.send(topic, value, key, headers=headers) for key, value, headers in some]
    await asyncio.wait_for(asyncio.gather(*futures), DEADLINE_S)


def test_aiokafka(broker, topic):
    async def both_ways():
        producer = aiokafka.AIOKafkaProducer(bootstrap_servers=broker.address, enable_idempotence=True, linger_ms=5)
        await producer.start()
        await aiokafka_send(producer, topic, stock.as_bytes(stock.records(COUNT)))
        await producer.stop()
        consumer, got = await aiokafka_read(broker, topic)
        await consumer.commit()
        await consumer.stop()
        return got

    with stock.shows("aiokafka", aiokafka.__version__, stock.ROUND_TRIP):
        check_round_trip(broker, topic, asyncio.run(both_ways()))


def test_aiokafka_transactions(broker, topic):
    need_transactions(broker)

    async def copy(output):
        producer = aiokafka.AIOKafkaProducer(bootstrap_servers=broker.address, transactional_id=topic, linger_ms=5)
        await producer.start()
        consumer, got = await aiokafka_read(broker, topic)
        places = {part: await consumer.position(part) for part in consumer.assignment()}
        await producer.begin_transaction()
        await aiokafka_send(producer, output, stock.as_bytes(stock.records(COUNT, first=COUNT)))
        await producer.send_offsets_to_transaction(places, topic)
        await producer.abort_transaction()
        assert stock.lag(broker, topic, topic) == COUNT
        async with producer.transaction():
            await aiokafka_send(producer, output, got)
            await producer.send_offsets_to_transaction(places, topic)
        await producer.stop()
        await consumer.stop()

    with stock.shows("aiokafka", aiokafka.__version__, stock.TRANSACTIONS):
        output = stock.make_topic(broker, f"{topic}-out")
        confluent_fill(broker, topic)
        asyncio.run(copy(output))
        check_copied(broker, topic, output)
