"""A gateway's process: takes messages by HTTP and publishes them; see `runner.gateway`."""

import asyncio
import gc
import time
import traceback
from collections.abc import Sequence

from ebats.pipelines.plan import ProcessSpec
from ebats.pipelines.producer import HttpProducer
from ebats.runner.broker.confirming import Sending
from ebats.runner.execution.journal import Journal
from ebats.runner.execution.schemas import Schemas
from ebats.runner.execution.seldom import Seldom
from ebats.runner.gateway.app import Gateway
from ebats.runner.gateway.deliver import Deliveries
from ebats.runner.gateway.desk import Desk
from ebats.runner.gateway.server import Handler, Server
from ebats.runner.gateway.status import COUNTERS
from ebats.runner.gateway.targets import Targets
from ebats.runner.roles.outlet import Rungs
from ebats.runner.roles.parent import Parent
from ebats.runner.roles.producing import Producing

_LISTEN_S = 0.5
#: For the connection to the broker, before it listens without.
_BROKER_S, _LOOK_S = 5.0, 0.02
#: A child without a parent leaves within the 10 s that are promised.
_ORPHAN_GRACE_S = 5.0


def run(spec: ProcessSpec, journal: Journal, parent: Parent) -> None:
    """Run a gateway's process to its end.

    Raises:
        OSError: it can't listen.
    """
    producer = spec.producer
    assert isinstance(producer, HttpProducer)
    producing = Producing(spec, journal, parent)
    for name in COUNTERS:
        producing.count(name, 0)
    server = Server(producer, lambda loop: _handler(producer, producing, loop), _Failures(journal).note)
    # What is here stays. Looking through it for garbage takes tens of milliseconds, and all requests wait.
    gc.collect()
    gc.freeze()
    _wait_for_broker(producing)
    server.start()
    where = f"[{producer.host}]" if ":" in producer.host else producer.host
    producing.about["listen"] = f"http://{where}:{producer.port}"
    parent.tell(ready=True)
    journal.log.info(f"listens on {producing.about['listen']}")
    while not producing.stopping and not server.has_ended(0):
        producing.attend(_LISTEN_S)
    server.stop(_ORPHAN_GRACE_S if parent.gone else spec.pipeline.grace_s)
    while not server.has_ended(_LISTEN_S):
        producing.attend(0)
    producing.finish()
    if server.failure:
        raise server.failure
    journal.log.info("leaves: stop")


def _wait_for_broker(producing: Producing) -> None:
    """Listen when messages are taken, or else the first ones get a 503; without the broker all do, soon."""
    until = time.monotonic() + _BROKER_S
    while not producing.publisher.is_served and not producing.stopping and time.monotonic() < until:
        producing.attend(_LOOK_S)


class _Together:
    """Publishes what belongs together, counted as all that a process publishes."""

    def __init__(self, producing: Producing) -> None:
        self._rungs = Rungs(producing.pipeline, producing.count)
        self._put_all = producing.publisher.put_all

    def put_all(self, sendings: Sequence[Sending]) -> None:
        """Publish messages."""
        for sending in sendings:
            self._rungs.note(sending.outgoing)
        self._put_all(sendings)


class _Progress:
    """Counts, and tells the parent, once, that this process has got something done: it has published."""

    def __init__(self, producing: Producing) -> None:
        self._producing = producing
        self._told = False

    def count(self, what: str, by: int) -> None:
        """Raise a counter."""
        self._producing.count(what, by)
        if what == "send_success" and by and not self._told:
            self._told = True
            self._producing.parent.tell(progress=True)


def _handler(producer: HttpProducer, producing: Producing, loop: asyncio.AbstractEventLoop) -> Handler:
    count = _Progress(producing).count
    deliveries = Deliveries(_Together(producing), producing.publisher, loop)
    schemas = Schemas(producing.pipeline)
    schemas.load(producing.pipeline.events)
    targets = Targets(producing.pipeline, schemas.problem)
    desk = Desk(targets, deliveries, count, producer.max_item)
    gateway = Gateway(producing.pipeline, producer, desk, deliveries, producing.counts, count)
    return gateway.handle


class _Failures:
    """Logs what should never happen, the same not more than once a minute."""

    def __init__(self, journal: Journal) -> None:
        self._log = journal.log
        self._seldom = Seldom()

    def note(self, error: BaseException) -> None:
        """Note an error."""
        text = f"a request failed: {type(error).__name__}: {error}"
        if self._seldom.may_say(text):
            self._log.error(text, traceback="".join(traceback.format_exception(error)))
