// Verifies signatures of Standard Webhooks with the scheme's own library: node verify.js. A line of standard
// input is {"secret", "headers", "body"}, the body in base64; a line of output says "good", or what is wrong.
const { Webhook } = require('standardwebhooks');
const readline = require('node:readline');

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { secret, headers, body } = JSON.parse(line);
    try {
      new Webhook(secret).verify(Buffer.from(body, 'base64').toString(), headers);
      console.log('good');
    } catch (error) {
      console.log(error.message);
    }
  }
}

main();
