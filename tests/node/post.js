// Posts a body to a gateway, signed as Standard Webhooks says: node post.js URL SECRET ID, the body on standard
// input. Prints the status and the body of the answer, one line each.
const { Webhook } = require('standardwebhooks');
const { readFileSync } = require('node:fs');

async function main(url, secret, id) {
  const body = readFileSync(0, 'utf8');
  const now = new Date();
  const answer = await fetch(url, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': new Webhook(secret).sign(id, now, body),
    },
  });
  console.log(answer.status);
  console.log(await answer.text());
}

main(...process.argv.slice(2));
