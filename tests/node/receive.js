// Receives messages, as somebody with nothing of ebats does: node receive.js URL EXCHANGE PATTERN COUNT.
// Prints "ready" when its queue is bound, then each message as a line of JSON, its body in base64.
const amqplib = require('amqplib');

async function main(url, exchange, pattern, count) {
  const connection = await amqplib.connect(url);
  const channel = await connection.createChannel();
  await channel.assertExchange(exchange, 'topic', { durable: true });
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, exchange, pattern);
  let left = Number(count);
  await channel.consume(queue, async (message) => {
    const { content, fields, properties } = message;
    console.log(JSON.stringify({ body: content.toString('base64'), key: fields.routingKey, properties }));
    channel.ack(message);
    left -= 1;
    if (left === 0) {
      await channel.close();
      await connection.close();
    }
  });
  console.log('ready');
}

main(...process.argv.slice(2));
