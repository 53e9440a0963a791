// KafkaJS as a stock client: sends records, reads them back in a group and commits; copies them within transactions.
//
//     node client.js round ADDRESS TOPIC COUNT           the group is named as the topic
//     node client.js copy  ADDRESS TOPIC COUNT OUTPUT    first a copy that is aborted (numbers from COUNT on), then one that is committed
//
// With STOCK_SASL=mechanism:user:password and STOCK_CA=file it comes in over TLS.
// NODE_PATH must lead to the package kafkajs. What it read is printed as name:text,name:text <tab> key <tab> value.
// The records are those of stock.py's record(i).

'use strict';

const fs = require('fs');
const { Kafka, logLevel } = require('kafkajs');

const [what, address, topic, countText, output] = process.argv.slice(2);
const count = Number(countText);

function security() {
  if (!process.env.STOCK_SASL) {
    return {};
  }
  const [mechanism, username, password] = process.env.STOCK_SASL.split(':');
  return {
    ssl: { ca: [fs.readFileSync(process.env.STOCK_CA, 'utf8')] },
    sasl: { mechanism: mechanism.toLowerCase(), username, password },
  };
}

const kafka = new Kafka({ clientId: 'stock', brokers: [address], logLevel: logLevel.ERROR, ...security() });

function records(first) {
  return Array.from({ length: count }, (_, at) => {
    const i = first + at;
    return { key: `key-${i}`, value: `value ${i} é`, headers: { number: `${i}`, kind: 'x' } };
  });
}

function line({ key, value, headers }) {
  const texts = Object.entries(headers).map(([name, text]) => `${name}:${text.toString()}`);
  return `${texts.join(',')}\t${key.toString()}\t${value.toString()}\n`;
}

// Reads count records in the group; ret: the consumer, still a member, the records, and the offsets behind them.
async function read() {
  const consumer = kafka.consumer({ groupId: topic });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const got = [];
  const next = new Map();
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        got.push(message);
        next.set(partition, (BigInt(message.offset) + 1n).toString());
        if (got.length === count) {
          resolve();
        }
      },
    }).catch(reject);
  });
  const partitions = [...next].map(([partition, offset]) => ({ partition, offset }));
  return { consumer, got, partitions };
}

async function round() {
  const producer = kafka.producer({ idempotent: true });
  await producer.connect();
  await producer.send({ topic, messages: records(0) });
  await producer.disconnect();
  const { consumer, got, partitions } = await read();
  await consumer.commitOffsets(partitions.map((part) => ({ topic, ...part })));
  await consumer.disconnect();
  return got;
}

async function copyTwice() {
  const producer = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  const { consumer, got, partitions } = await read();
  for (const commit of [false, true]) {
    const transaction = await producer.transaction();
    const messages = commit ? got.map(({ key, value, headers }) => ({ key, value, headers })) : records(count);
    await transaction.send({ topic: output, messages });
    await transaction.sendOffsets({ consumerGroupId: topic, topics: [{ topic, partitions }] });
    await (commit ? transaction.commit() : transaction.abort());
  }
  await consumer.disconnect();
  await producer.disconnect();
  return got;
}

(what === 'round' ? round() : copyTwice()).then(
  (got) => process.stdout.write(got.map(line).join('')),
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);
