"""Two orders a second, and what is done for them: made up, so that a dashboard has some of everything."""

import random
import time
from collections.abc import Iterator
from typing import Any

from ebats import Context, ProducerContext, Reject, Retry

CITIES = ("Beijing", "Shanghai", "Chengdu", "Lhasa")


def orders(context: ProducerContext) -> Iterator[dict[str, Any]]:
    """Sell something every half a second."""
    while context.wait(0.5):
        number = int(time.time() * 2) % 1_000_000
        city = None if number % 50 == 0 else random.choice(CITIES)
        yield {"order_id": f"FB{number}", "city": city, "card_no": "6217 0000 1234 5678"}


def ship(order_id: str, city: str | None, context: Context) -> str:
    """Ask the warehouse to send the goods: it is busy at times."""
    if city is None:
        raise Reject("nobody knows where to")  # a dead letter
    if order_id.endswith("2") and context.attempt == 1:
        raise Retry("the warehouse is busy")
    return f"on its way to {city}"


def write_bill(order_id: str) -> str:
    """Write the bill, which takes long for one order in twenty."""
    time.sleep(2.5 if order_id.endswith(("00", "20", "40", "60", "80")) else random.uniform(0.02, 0.2))
    return "billed"


def notify_merchant(order_id: str, context: Context) -> str:
    """Tell the merchant: one in a hundred never answers, others fail at first."""
    if order_id.endswith("77"):
        raise TimeoutError("the merchant does not answer")
    if order_id.endswith("5") and context.attempt <= 2:
        raise Retry("the merchant says 'fail'")
    return "success"
