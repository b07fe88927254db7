"""Every message that settles a run, for one envelope."""

from typing import Any

from ebats.pipelines.routes import Routes
from ebats.runner.execution import settle
from ebats.runner.execution.envelope import Envelope
from ebats.runner.execution.outcome import Dead, Failed, Retry
from ebats.runner.execution.settle import Outgoing
from tests.unit.core.shop import delivery, envelope_of, pipeline

SHOP = pipeline()


ROUTES = Routes(SHOP)


SHIP = SHOP.tasks["ship"]


FAILED = Failed("exception", "shop.NoStock", "none left", "File x, line 1")


def paid(**more: Any) -> Envelope:
    return envelope_of(delivery("shop.events", "order_paid", body=b'{"a": 1}', **more), SHOP)


def every_message(envelope: Envelope) -> dict[str, Outgoing]:
    return {
        "retry": settle.retry(SHOP, envelope, SHIP, Retry(90_000), FAILED, 50.0),
        "dead": settle.dead(SHOP, envelope, SHIP, Dead("failed"), FAILED, 50.0),
        "hand_back": settle.hand_back(envelope, SHIP),
        "one_task": settle.one_task(SHOP, envelope, SHIP),
        "suspect": settle.suspect(SHOP, envelope, SHIP, 2),
        "around": settle.around(envelope, "shop.delay.1s", "ship"),
        "wait_unknown": settle.wait_unknown(SHOP, envelope, 50.0),
    }


KINDS = list(every_message(paid()))
