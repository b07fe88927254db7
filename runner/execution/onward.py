"""What follows from a message that is moved because the file has changed: messages as values. Pure."""

from collections.abc import Sequence

from ebats.pipelines.model import Pipeline
from ebats.pipelines.routes import Routes
from ebats.runner.execution import settle
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.outcome import Dead, Failed
from ebats.runner.execution.reading import Around, Early, Meaning, Moved, Runs, Split, Undated, Unknown, read
from ebats.runner.execution.settle import Outgoing


def onward(
    pipeline: Pipeline, routes: Routes, delivery: Delivery, now: float, *, before: bool = False
) -> Sequence[Outgoing]:
    """Return the copies of a message that go where the file wants them now, each for one task.

    `before`: the message came before the change. `now` is the Unix time.
    """
    meaning = read(delivery, routes, before=before)
    if isinstance(meaning, Runs):
        return [settle.one_task(pipeline, meaning.envelope, task) for task in meaning.tasks]
    if isinstance(meaning, Split):
        return [settle.one_task(pipeline, envelope, task) for envelope, task in meaning.copies]
    if isinstance(meaning, Moved):
        return [settle.moved(pipeline, meaning.envelope, way) for way in meaning.ways]
    return [_stays_whole(pipeline, meaning, now)]


def _stays_whole(pipeline: Pipeline, meaning: Meaning, now: float) -> Outgoing:
    assert not isinstance(meaning, Runs | Split | Moved)
    if isinstance(meaning, Undated):
        envelope, task = meaning.runs.envelope, meaning.runs.tasks[0]
        failed = Failed("undecodable", "BadHeader", meaning.why)
        return settle.dead(pipeline, envelope, task, Dead("undecodable"), failed, now)
    envelope = meaning.envelope
    if isinstance(meaning, Around):
        return settle.around(envelope, meaning.exchange, meaning.key)
    if isinstance(meaning, Early):
        return settle.hop(pipeline, envelope, meaning.task, meaning.due - envelope.delivery.received)
    if isinstance(meaning, Unknown):
        return settle.wait_unknown(pipeline, envelope, now)
    failed = Failed("gone", "Gone", meaning.why)
    return settle.dead(pipeline, envelope, None, Dead("gone"), failed, now)


def as_it_is(pipeline: Pipeline, delivery: Delivery, kind: str) -> Outgoing:
    """Return the same message for the queue that takes the place of its own: of dead letters, of suspects."""
    headers = {name: value for name, value in delivery.headers.items() if name != "x-delivery-count"}
    if kind == "dead" and "ebats-exchange" not in headers:
        # The broker's own letters show by this alone where they were published.
        headers |= {"ebats-exchange": delivery.exchange, "ebats-key": delivery.key}
    properties = {name: value for name, value in delivery.properties.items() if name not in _NOT_SENT}
    queue = pipeline.queue_on_broker(kind)
    return Outgoing("", queue, delivery.body, headers, properties | {"delivery_mode": 2})


#: Headers are given by themselves; a user's id is checked, and an expiration would count anew.
_NOT_SENT = ("application_headers", "user_id", "expiration")
