"""Publish an event to RabbitMQ as any program can: a body, an exchange, a key, and nothing of ebats.

    python publish_plain.py amqp://guest:guest@localhost// '{"order_id": "FB2001", "city": "Beijing"}'

Needs `pip install kombu`. The pipeline must have been run (or published to) once: that makes the exchange.
"""

import sys

from kombu import Connection


def publish(url: str, body: str) -> None:
    """Publish a body as the event order_paid; when this returns, the broker has it."""
    with Connection(url, transport_options={"confirm_publish": True}) as connection:
        producer = connection.Producer()
        producer.publish(
            body.encode(),
            exchange="shop.events",
            routing_key="order_paid",
            content_type="application/json",
            content_encoding="utf-8",
        )


if __name__ == "__main__":
    publish(*sys.argv[1:])
