// Publishes messages, one JSON object a line of standard input, and ends when the broker has confirmed all:
// node publish.js URL; a line is {"exchange", "key", "body", "options"}, the body a text, sent as it is.
const amqplib = require('amqplib');
const readline = require('node:readline');

async function main(url) {
  const connection = await amqplib.connect(url);
  const channel = await connection.createConfirmChannel();
  channel.on('return', (message) => {
    throw new Error(`nothing is bound for ${message.fields.routingKey}`);
  });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { exchange, key, body, options } = JSON.parse(line);
    channel.publish(exchange, key, Buffer.from(body), { persistent: true, mandatory: true, ...options });
  }
  await channel.waitForConfirms();
  await connection.close();
}

main(...process.argv.slice(2));
