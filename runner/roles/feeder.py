"""A producer's process: a Python function yields, and what it yields is published."""

import time

from ebats.pipelines.counting import counted
from ebats.pipelines.plan import FINISHED, ProcessSpec
from ebats.pipelines.producer import PythonProducer
from ebats.runner.execution.call import find
from ebats.runner.execution.journal import Journal
from ebats.runner.execution.producer import inspect_producer
from ebats.runner.roles.feeding import Feeding
from ebats.runner.roles.parent import Parent
from ebats.runner.roles.producing import Producing

_TICK_S = 0.25
#: A child without a parent leaves within the 10 s that are promised.
_ORPHAN_S = 5.0


def run(spec: ProcessSpec, journal: Journal, parent: Parent) -> None:
    """Publish what the function yields, until it returns or this process is to leave."""
    producer = spec.producer
    assert isinstance(producer, PythonProducer)
    function = inspect_producer(find(producer.python))
    producing = Producing(spec, journal, parent)
    # A run that is to end when it is idle waits until the function has returned.
    producing.is_busy = True
    feeding = Feeding(producing, producer.name, producer.event, function)
    feeding.start()
    parent.tell(ready=True)
    journal.log.info(f"publishes what {producer.python} yields")
    while feeding.is_alive and not producing.stopping:
        _attend(producing, feeding)
    why = _end(producing, feeding, spec.pipeline.grace_s)
    _note(producing, feeding)
    producing.finish(why)
    feeding.last_words()
    taken, _ = feeding.counts()
    journal.log.info(f"leaves: {why}, after {counted(taken, 'item')}")


def _attend(producing: Producing, feeding: Feeding) -> None:
    _note(producing, feeding)
    producing.attend(_TICK_S)


def _note(producing: Producing, feeding: Feeding) -> None:
    """Note how things are, to be told to the parent."""
    taken, unconfirmed = feeding.counts()
    producing.counts["yielded"] = taken
    producing.counts["unconfirmed"] = unconfirmed
    if feeding.failures:
        producing.about.update(failures=feeding.failures, last_failure=feeding.last_failure)


def _end(producing: Producing, feeding: Feeding, grace_s: float) -> str:
    """Let the function come to its end, within the grace time; return why its process leaves."""
    feeding.stop()
    deadline = time.monotonic() + (min(grace_s, _ORPHAN_S) if producing.parent.gone else grace_s)
    while feeding.is_alive and time.monotonic() < deadline:
        _attend(producing, feeding)
    if feeding.failure:
        raise feeding.failure
    if feeding.is_alive:
        text = (
            f"the function neither yields nor returns within the grace time of {grace_s:g} s: it is cut short"
        )
        producing.journal.log.warning(text)
    return FINISHED if feeding.finished else "stop"
