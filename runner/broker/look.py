"""Looking at what a pipeline has on the broker, for publishers: they may have the right to write alone."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

from amqp.exceptions import AccessRefused, NotFound, ResourceLocked
from kombu.connection import Connection

from ebats.pipelines.model import Pipeline
from ebats.pipelines.wiring import Wiring
from ebats.runner.broker import declare
from ebats.runner.broker.connect import BROKER_ERRORS, Say, check_lasting, connect
from ebats.runner.broker.lock import LockRefused, alone, one_channel
from ebats.runner.broker.mismatch import TopologyMismatch
from ebats.runner.broker.stored import Stored

_PAUSE_S = 0.1
#: A change takes less, unless it moves many messages: then everything is declared long since.
_CHANGE_S = 10.0

#: Whether a pipeline was declared. Perhaps: somebody has its topology in hand, or died in the middle.
Declared = Literal["yes", "perhaps", "no"]


def ensure(pipeline: Pipeline, say: Say, stop: Callable[[], bool], *, compare: bool) -> bool | None:
    """Declare a pipeline that never was; return whether what the broker has differs from the file.

    A look comes first, which needs no rights (https://www.rabbitmq.com/docs/access-control#authorisation).
    What was declared is compared only where `compare` is true, its user may do so, and nobody else is
    changing it just now. None: `stop` became true.

    Raises:
        TopologyMismatch: it was never declared, and can't be now.
        BrokerUnusable: the embedded broker's file is wrong.
    """
    declared = _look(pipeline, say, stop)
    if pipeline.broker.declare == "never" and declared is not None:
        if declared == "no":
            text = f"{pipeline.name} was never declared on this broker, and `declare: never` forbids it here"
            raise TopologyMismatch(f"{text}: let `ebats apply {pipeline.file}` do it, by a user who may")
        return False
    if declared is None or (declared == "yes" and not compare):
        return None if declared is None else False
    try:
        if declared == "yes":
            return bool(declare.ensure(pipeline, _say_nothing, lambda: True))
        return declare.ensure(pipeline, say, stop)
    except LockRefused as error:
        if declared != "no":
            return False
        text = f"{pipeline.name} was never declared on this broker, and its user may not do it"
        raise TopologyMismatch(f"{text}: start `ebats run` first; {error}") from error


def wiring(pipeline: Pipeline, say: Say, stop: Callable[[], bool]) -> Wiring | None:
    """Return the wiring that was last applied to a pipeline; None: `stop` became true.

    Raises:
        TopologyMismatch: it was never declared, or may not be read by this user.
        BrokerUnusable: the embedded broker's file is wrong.
    """
    unreadable = TopologyMismatch(
        f"what {pipeline.name} has on the broker may not be read by its user, and is needed for delays, "
        "chosen queues and keys: publish by the pipeline's file instead of a URL"
    )

    def work(connection: Connection) -> Wiring:
        try:
            with one_channel(connection) as channel:
                stored = Stored(connection, channel, pipeline)
                found = stored.topologies()
                stored.give_back()
        except NotFound:
            found = []
        except AccessRefused as error:
            raise unreadable from error
        if not found:
            text = f"{pipeline.name} was never declared on this broker: start `ebats run` first"
            raise TopologyMismatch(text)
        # After a crash in the middle of a change there are two, the newer one last.
        return found[-1].wiring

    try:
        return alone(pipeline, say, stop, work)
    except LockRefused as error:
        raise unreadable from error


def _look(pipeline: Pipeline, say: Say, stop: Callable[[], bool]) -> Declared | None:
    patience = time.monotonic() + _CHANGE_S
    while (connection := connect(pipeline.broker, say, stop)) is not None:
        try:
            found = _declared(connection, pipeline)
            # The first declaration keeps its topology before it binds the queues.
            if found == "no" or time.monotonic() > patience or not _is_locked(connection, pipeline):
                return found
        except BROKER_ERRORS as error:
            check_lasting(pipeline.broker, error)
            say("warning", f"the connection to the broker was lost: {error}; trying on")
        finally:
            with suppress(*BROKER_ERRORS):  # it may be broken
                connection.close()
        if stop():
            return None
        time.sleep(_PAUSE_S)
    return None


def _declared(connection: Connection, pipeline: Pipeline) -> Declared:
    with one_channel(connection) as channel:
        try:
            if channel.queue_declare(pipeline.on_broker("topology"), passive=True).message_count:
                return "yes"
            channel.exchange_declare(pipeline.on_broker("events"), "topic", passive=True)
        except NotFound:
            return "no"
    return "perhaps"


def _is_locked(connection: Connection, pipeline: Pipeline) -> bool:
    """Return whether somebody is changing what the pipeline has on the broker."""
    try:
        with one_channel(connection) as channel:
            channel.queue_declare(pipeline.on_broker("lock"), passive=True)
    except ResourceLocked:
        return True
    except NotFound:
        return False
    return False


def _say_nothing(_level: str, _text: str) -> None:
    pass
