"""Publish orders from Python, as a shop's own programs would: with the pipeline's file, on either broker.

    python publish_orders.py pipeline.yaml

Each call returns when the broker has the message. See docs/publishing.md.
"""

import asyncio
import sys

from ebats import Publisher


def main(file: str) -> None:
    """Publish some orders, one by one, many at once, and from a coroutine."""
    with Publisher(file) as publisher:
        # The order's number as the id: somebody who publishes it twice can be found out.
        publisher.publish("order_create", {"order_id": "FB5001"}, id="FB5001-created")
        publisher.publish("order_paid", {"order_id": "FB5001", "city": "Beijing"}, delay="1500ms")

        numbers = range(5002, 5102)
        ids = publisher.publish_many(("order_create", {"order_id": f"FB{number}"}) for number in numbers)
        sys.stdout.write(f"published {len(ids)} orders\n")

        # The event is whatever matches a pattern: a key of one's own.
        goods = {"order_id": "FB5001", "goods": ["tea"]}
        publisher.publish("goods_wanted", goods, key="cn.FB5001.WAIT_SELLER_SEND_GOODS")

        asyncio.run(ship(publisher))


async def ship(publisher: Publisher) -> None:
    """Publish for one task, twice at once."""
    payloads = [{"order_id": f"FB{number}", "city": "Lhasa"} for number in (5003, 5004)]
    await asyncio.gather(*(publisher.run_task_async("ship", payload) for payload in payloads))


if __name__ == "__main__":
    main(sys.argv[1])
