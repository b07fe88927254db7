// A shop in another language: tells of paid orders with one POST, and needs nothing but Node itself.
//
//   node shop.js http://127.0.0.1:9501 a-token-for-trying-it-out FB0001 Beijing

async function paid(gateway, token, orderId, city) {
  const response = await fetch(`${gateway}/v1/events/order_paid`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      // Sent again with the same key, the order has the same message id: whoever works on it knows a repeat by it.
      'Idempotency-Key': `${orderId}-paid`,
    },
    body: JSON.stringify({ order_id: orderId, city }),
  });
  const answer = await response.json();
  if (response.status !== 202) {
    throw new Error(`${response.status}: ${JSON.stringify(answer.error)}`);
  }
  return answer.ids[0];
}

paid(...process.argv.slice(2)).then(
  (id) => console.log(`accepted as ${id}`),
  (error) => {
    console.error(error.message);
    process.exitCode = 1;
  },
);
