"""The shop's tasks. The database, the warehouse and the merchants are made up, and always answer alike."""

import asyncio
from typing import Any

from ebats import Context, Payload, Reject, Retry


def close_order(order_id: str) -> str:
    """Close an order that nobody has paid in time."""
    return "left open, it is paid" if is_paid(order_id) else "closed"


def ship(order_id: str, city: str | None, context: Context) -> str:
    """Ask the warehouse to send the goods."""
    if city is None:
        raise Reject("nobody knows where to")  # no other attempt would help
    if order_id.endswith("02") and context.attempt == 1:
        raise Retry("the warehouse is busy")  # again, when the ladder says
    return f"on its way to {city}"


def notify_merchant(order_id: str, context: Context) -> str:
    """Tell the merchant of the payment until it answers "success"."""
    answer = merchants_answer(order_id, context.attempt)
    if answer != "success":
        raise Retry(f"the merchant says {answer!r}")
    return answer


async def book_courier(order_id: str, city: str | None) -> str:
    """Book a courier. The one for Atlantis never answers: the attempt ends with the task's time-out."""
    await asyncio.sleep(60 if city == "Atlantis" else 0.01)
    return f"courier booked for {order_id}"


def book_by_phone(payload: dict[str, Any], reason: str, attempts: int) -> str:
    """Do what a program couldn't: this follows when a message of `book_courier` is dead."""
    return f"phoned for {payload['order_id']}: {reason} after {attempts} attempts"


def pick_goods(payload: Payload, context: Context) -> str:
    """Pick the goods of an order; what is wanted, and where, stands in the routing key."""
    region, order_id, _ = context.key.split(".")
    return f"{len(payload['goods'])} goods for {order_id}, from the warehouse of {region}"


def pack(payload: dict[str, Any], result: str) -> str:
    """Pack what has been picked: this follows from what `pick_goods` returned."""
    return f"packed {len(payload['goods'])}: {result}"


def is_paid(order_id: str) -> bool:
    """Stand in for the database: orders that end in 1, 2 or 3 are paid."""
    return order_id[-1] in "123"


def merchants_answer(order_id: str, attempt: int) -> str:
    """Stand in for the merchants: for orders that end in 01 they say "fail" twice, then "success"."""
    return "fail" if order_id.endswith("01") and attempt <= 2 else "success"
