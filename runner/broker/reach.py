"""Asking the broker something: a connection that is waited for, and closed."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from kombu.connection import Connection

from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import EbatsError
from ebats.runner.broker.connect import BROKER_ERRORS, Say, check_lasting, connect


class BrokerAway(EbatsError):
    """Raised when the broker didn't answer in time."""


@contextmanager
def reach(
    pipeline: Pipeline, wait_s: float, say: Say, so_far: Callable[[], str] = lambda: ""
) -> Iterator[Connection]:
    """Give a connection to the pipeline's broker, waited for at most `wait_s`.

    Every OSError inside is taken for the broker's: write to files afterwards, or catch theirs.

    Raises:
        BrokerAway: it isn't there in time, or goes while it is used; `so_far` then says what was done.
        BrokerUnusable: the embedded broker's file is wrong.
    """
    deadline = time.monotonic() + wait_s
    # No single try of connecting longer than all may take.
    timeout_s = max(1.0, min(wait_s, pipeline.broker.connect_timeout_s))
    broker = replace(pipeline.broker, connect_timeout_s=timeout_s)
    connection = connect(broker, say, lambda: time.monotonic() >= deadline)
    if connection is None:
        raise BrokerAway(f"gave up waiting for the broker, after {wait_s:g} s")
    try:
        yield connection
    except BROKER_ERRORS as error:
        check_lasting(broker, error)
        why = str(error) or type(error).__name__
        done = f"; {text}" if (text := so_far()) else ""
        raise BrokerAway(f"the broker failed while it was asked: {why}{done}") from error
    finally:
        with suppress(*BROKER_ERRORS):
            connection.close()
