"""Being the only one who changes what a pipeline has on the broker."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, TypeVar

from amqp.exceptions import (
    AccessRefused,
    AMQPNotImplementedError,
    InvalidCommand,
    NotAllowed,
    ResourceLocked,
)
from kombu.connection import Connection

from ebats.pipelines import rules
from ebats.pipelines.model import Pipeline
from ebats.runner.broker.connect import BROKER_ERRORS, Say, check_lasting, connect
from ebats.runner.broker.mismatch import TopologyProblems, problem
from ebats.runner.broker.rights import Right, lacking

#: A quorum queue, which a virtual host may have as its default, can't be exclusive.
CLASSIC = {"x-queue-type": "classic"}
_FIRST_POLL_S = 0.01
#: Others need a few hundredths of a second: waiting longer is worth a word.
_SAID_AT_S = 0.16
_LONGEST_POLL_S = 0.5
_PAUSE_S = 0.5
#: What the broker doesn't know or allow: trying again doesn't help.
_REFUSALS = (AccessRefused, NotAllowed, InvalidCommand, AMQPNotImplementedError)

T = TypeVar("T")


class LockRefused(TopologyProblems):
    """Raised when the broker's user may not declare what the lock is."""


def alone(
    pipeline: Pipeline, say: Say, stop: Callable[[], bool], work: Callable[[Connection], T]
) -> T | None:
    """Return what `work` does with a connection that holds the pipeline's lock; None: `stop` became true.

    Waits for the broker, and for whoever has the lock. `work` is done again where the connection is lost.

    Raises:
        TopologyMismatch: the broker refuses something for good; LockRefused: even the lock.
        BrokerUnusable: the embedded broker's file is damaged.
    """

    def locked(connection: Connection) -> T | None:
        return work(connection) if _lock(connection, pipeline, say, stop) else None

    return patiently(pipeline, say, stop, locked)


def patiently(
    pipeline: Pipeline, say: Say, stop: Callable[[], bool], work: Callable[[Connection], T]
) -> T | None:
    """Return what `work` does with a connection, without the lock; see `alone`."""
    while (connection := connect(pipeline.broker, say, stop)) is not None:
        try:
            return work(connection)
        except _REFUSALS as error:
            # To get what is stored, and to store it: that goes through the default exchange.
            right: Right = "read" if "queue '" in error.reply_text else "write"
            why = lacking(error.reply_text, right, pipeline=pipeline.name)
            rule = rules.LACKING_RIGHT if why else rules.BROKER_REFUSES
            text = why or f"the broker refuses: {error.reply_text}"
            raise TopologyProblems((problem(pipeline, None, rule, text),)) from error
        except BROKER_ERRORS as error:
            check_lasting(pipeline.broker, error)
            say("warning", f"the broker failed while it was being changed: {error}; trying again")
        finally:
            with suppress(*BROKER_ERRORS):  # what was done is done
                connection.close()
        if stop():
            return None
        time.sleep(_PAUSE_S)
    return None


@contextmanager
def one_channel(connection: Connection) -> Iterator[Any]:
    """Give a channel of its own to a few calls: one that an error has closed mustn't be used again."""
    with closing(connection.channel()) as channel:
        # py-amqp would decode bodies that name a content_encoding.
        channel.auto_decode = False
        yield channel


def _lock(connection: Connection, pipeline: Pipeline, say: Say, stop: Callable[[], bool]) -> bool:
    pause_s = _FIRST_POLL_S
    while not _try_lock(connection, pipeline):
        if pause_s == _SAID_AT_S:
            say("info", f"another runner is changing what {pipeline.name} has on the broker: waiting for it")
        if stop():
            return False
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_POLL_S)
    return True


def _try_lock(connection: Connection, pipeline: Pipeline) -> bool:
    """Declare an exclusive queue: it goes with its connection, also when the process is killed."""
    name = pipeline.on_broker("lock")
    with one_channel(connection) as channel:
        try:
            channel.queue_declare(name, exclusive=True, auto_delete=False, arguments=CLASSIC)
        except ResourceLocked:
            return False
        except AccessRefused as error:
            why = lacking(error.reply_text, "configure", pipeline=pipeline.name) or error.reply_text
            text = f"the queue {name} can't be declared: {why}"
            raise LockRefused((problem(pipeline, None, rules.LACKING_RIGHT, text),)) from error
    return True
