"""What a delivery is for, as a test wants to know it."""

from ebats.pipelines.routes import Routes
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.envelope import Envelope
from ebats.runner.execution.reading import Runs, Unknown, read
from tests.unit.core.shop import pipeline

SHOP = pipeline()


ROUTES = Routes(SHOP)


EVENT_RUNG = "shop.delay.10s.order_create.close_order"


def runs(one: Delivery) -> tuple[Envelope, list[str]]:
    meaning = read(one, ROUTES)
    assert isinstance(meaning, Runs), meaning
    return meaning.envelope, [task.name for task in meaning.tasks]


def unknown(one: Delivery) -> Unknown:
    meaning = read(one, ROUTES)
    assert isinstance(meaning, Unknown), meaning
    return meaning


def origin(envelope: Envelope) -> tuple[str | None, str, str]:
    return envelope.event, envelope.exchange, envelope.key


OURS = {
    "ebats-event": "order_paid",
    "ebats-exchange": "shop.events",
    "ebats-key": "order_paid",
    "ebats-attempt": 3,
    "ebats-first": 5.0,
    "ebats-last": 9.0,
}
