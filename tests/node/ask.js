// Asks for a result, as in RPC: node ask.js URL EXCHANGE KEY BODY. Prints the answer's body and correlation id.
const amqplib = require('amqplib');

async function main(url, exchange, key, body) {
  const connection = await amqplib.connect(url);
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.consume(queue, async ({ content, properties }) => {
    const answer = JSON.parse(content.toString());
    console.log(JSON.stringify({ answer, correlationId: properties.correlationId }));
    await connection.close();
  });
  channel.publish(exchange, key, Buffer.from(body), { replyTo: queue, correlationId: 'asked-1' });
}

main(...process.argv.slice(2));
