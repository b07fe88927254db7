"""Write orders.jsonl, 1,000 orders, and paid.jsonl, those of them that are paid: always the same ones."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
CITIES = ("Beijing", "Shanghai", "Guangzhou", "Chengdu", "Hangzhou", "Xi'an", "Wuhan")


def orders() -> Iterator[dict[str, Any]]:
    """Yield the orders. Two of them can't be worked off: FB0013 has no city, FB0333 goes to Atlantis."""
    odd: dict[int, str | None] = {13: None, 333: "Atlantis"}
    for number in range(1, 1001):
        city = odd[number] if number in odd else CITIES[number % len(CITIES)]
        yield {"order_id": f"FB{number:04}", "amount": number * 37 % 900 + 99, "city": city}


def write(name: str, payloads: Iterable[dict[str, Any]]) -> None:
    """Write payloads as JSON lines."""
    lines = [json.dumps(payload) + "\n" for payload in payloads]
    (FOLDER / name).write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    write("orders.jsonl", orders())
    write("paid.jsonl", (order for order in orders() if order["order_id"][-1] in "123"))
