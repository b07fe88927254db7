"""What the desk keeps of items while the broker works."""

import asyncio
from collections.abc import Sequence

from ebats.runner.execution.settle import Outgoing
from ebats.runner.gateway import bodies
from ebats.runner.gateway.deliver import Deliveries, Lost
from ebats.runner.gateway.desk import Desk
from ebats.runner.gateway.items import Item
from ebats.runner.gateway.targets import Targets
from tests.unit.core.shop import pipeline

FILE = 'version: 1\nname: shop\ntasks: {ship: {python: "shop:ship"}}'


class _Broker(Deliveries):
    """Takes everything at once."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def deliver(self, items: Sequence[Sequence[Outgoing]]) -> dict[int, Lost]:
        self.bodies += [outgoing.body for messages in items for outgoing in messages]
        return {}


def test_what_is_read_of_payloads_is_not_kept_while_the_broker_works() -> None:
    broker = _Broker()
    desk = Desk(Targets(pipeline(FILE), lambda _event, _payload: None), broker, lambda _what, _by: None, 1000)
    items = bodies.array(b'[{"task": "ship", "payload": [{}, {}]}]', 64)
    assert asyncio.run(desk.take(items)).status == 202
    assert broker.bodies == [b"[{}, {}]"]
    assert [item.payload for item in items if isinstance(item, Item)] == [None]
