"""A pipeline, deliveries and stand-ins for what surrounds the engine."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ebats.pipelines.load import from_bytes
from ebats.pipelines.model import Pipeline
from ebats.pipelines.routes import Routes
from ebats.runner.broker.confirming import Sending
from ebats.runner.execution import call
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.envelope import Envelope
from ebats.runner.execution.journal import Journal
from ebats.runner.execution.reading import Runs, read
from ebats.runner.execution.record import Execution, Line, Record, decode
from ebats.runner.execution.settle import Outgoing
from ebats.runner.execution.slots import Run
from ebats.runner.roles.engine import Engine

SHOP = """
version: 1
name: shop
environment: test
exchanges:
  orders: {type: topic}
  exact: {type: direct}
  all: {type: fanout}
queues:
  demo: {crashes: 3}
  fast: {ack: early}
ladders:
  notify: [1s, 3s]
tasks:
  close_order: {python: "shop.tasks:close_order", queue: demo, retry: notify, timeout: 30s}
  ship: {python: "shop.tasks:ship", queue: demo, retry: [90s]}
  report: {python: "shop.tasks:report"}
  count: {python: "shop.tasks:count", queue: fast}
events:
  order_create: {tasks: [{task: close_order, delay: 10s}, report]}
  order_paid: {tasks: [close_order, ship, report], labels: {order: "{{ order.id }}"}}
  counted: {tasks: [count]}
  note: {format: text, tasks: [report]}
  wanted: {exchange: orders, key: "*.*.WAIT", tasks: [report]}
  all_eu: {exchange: orders, key: "eu.#", tasks: [report, ship]}
  direct: {exchange: exact, key: "a", tasks: [report]}
  fan: {exchange: all, tasks: [ship]}
"""


def pipeline(text: str = SHOP) -> Pipeline:
    """Return a pipeline from the text of its file."""
    return from_bytes("/srv/shop.yaml", text.encode(), {}).pipeline


def delivery(
    exchange: str = "shop.tasks",
    key: str = "close_order",
    queue: str = "shop.demo",
    *,
    body: bytes = b"{}",
    headers: Mapping[Any, Any] | None = None,
    properties: Mapping[str, Any] | None = None,
    message_id: str | None = "m1",
    tag: int = 1,
    redelivered: bool = False,
) -> Delivery:
    """Return a delivery as the intake makes it."""
    given = dict(properties or {})
    if message_id is not None:
        given["message_id"] = message_id
    return Delivery(tag, 1, queue, exchange, key, redelivered, body, dict(headers or {}), given, 1000.0)


def envelope_of(one: Delivery, shop: Pipeline) -> Envelope:
    """Return the envelope of a delivery that is for tasks."""
    meaning = read(one, Routes(shop))
    assert isinstance(meaning, Runs), meaning
    return meaning.envelope


def again(outgoing: Outgoing, queue: str, *, redelivered: bool = False, tag: int = 1) -> Delivery:
    """Return the delivery of what was published, once it is in `queue`."""
    return Delivery(
        tag,
        1,
        queue,
        outgoing.exchange,
        outgoing.key,
        redelivered,
        outgoing.body,
        dict(outgoing.headers),
        dict(outgoing.properties),
        1000.0,
    )


def death(queue: str, exchange: str = "", key: str = "", **more: Any) -> dict[str, Any]:
    """Return the headers that a broker writes when a message leaves a queue by its time to live."""
    entry = {"queue": queue, "exchange": exchange, "routing-keys": [key], "reason": "expired", "count": 1}
    return {"x-death": [entry | {name.replace("_", "-"): value for name, value in more.items()}]}


class Acknowledged:
    """Stands in for the intake: keeps what is settled, in order."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    def settled(self, delivery: Delivery) -> None:
        """Keep it."""
        self.deliveries.append(delivery)

    def acknowledge_first(self, delivery: Delivery, timeout_s: float) -> bool:
        """Keep it, and have it acknowledged."""
        self.deliveries.append(delivery)
        return True


class Published:
    """Stands in for the publisher: keeps what is sent, and confirms it when it is told to."""

    def __init__(self) -> None:
        self.messages: list[Outgoing] = []
        self._callbacks: list[tuple[Callable[[], None], Callable[[], None]]] = []

    def send(
        self, outgoing: Outgoing, on_confirmed: Callable[[], None], on_unroutable: Callable[[], None]
    ) -> None:
        """Keep it."""
        self.messages.append(outgoing)
        self._callbacks.append((on_confirmed, on_unroutable))

    def put(self, sending: Sending) -> None:
        """Keep it."""
        self.send(sending.outgoing, sending.on_confirmed, sending.on_unroutable)

    def put_all(self, sendings: Sequence[Sending]) -> None:
        """Keep each."""
        for sending in sendings:
            self.put(sending)

    def withdraw(self, sending: Sending) -> bool:
        """Have sent it already."""
        sending.withdrawn = True
        return False

    def confirm(self) -> None:
        """Confirm all that was sent so far."""
        callbacks, self._callbacks = self._callbacks, []
        for on_confirmed, _ in callbacks:
            on_confirmed()

    def refuse(self) -> None:
        """Return all that was sent so far as unroutable."""
        callbacks, self._callbacks = self._callbacks, []
        for _, on_unroutable in callbacks:
            on_unroutable()


class Held:
    """Stands in for the slots: keeps the runs until the test executes them."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.closed = False

    def submit(self, run: Run) -> bool:
        """Keep it, unless closed."""
        if not self.closed:
            self.runs.append(run)
        return not self.closed


class Lines:
    """Stands in for the outbox."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def flush(self, timeout_s: float) -> bool:
        """Have nothing to send."""
        return True

    def put(self, line: Line) -> None:
        """Keep it."""
        self.lines.append(line)

    def records(self) -> list[Record]:
        """Return all records so far."""
        return [decode(line.json) for line in self.lines]

    def executions(self) -> list[Execution]:
        """Return the records of attempts so far."""
        return [record for record in self.records() if isinstance(record, Execution)]


class Bench:
    """An engine between stand-ins; its tasks are given as functions."""

    def __init__(self, shop: Pipeline | None = None, **tasks: Callable[..., Any]) -> None:
        self.shop = shop or pipeline()
        self.lines = Lines()
        self.functions = {name: call.inspect_function(task) for name, task in tasks.items()}
        self.engine = Engine(
            self.shop, self.functions, Journal(self.shop, "rest#1", self.lines, with_payload=False)
        )
        self.acknowledged, self.published, self.held = Acknowledged(), Published(), Held()
        self.engine.connect(self.acknowledged, self.published, self.held)

    def take(self, one: Delivery) -> None:
        """Give a delivery to the engine."""
        self.engine.take(one)

    def execute(self) -> None:
        """Execute the runs that were submitted, as sync ones."""
        runs, self.held.runs = self.held.runs, []
        for run in runs:
            self.engine.execute(run)
