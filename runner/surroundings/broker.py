"""Whether a file's broker is there, lets it in, and has what fits the file: asked, never changed."""

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ebats.pipelines import rules
from ebats.pipelines.model import Broker, Pipeline
from ebats.pipelines.problems import Problem
from ebats.pipelines.topology import derive
from ebats.runner.broker import compare
from ebats.runner.broker.connect import (
    BROKER_ERRORS,
    LOGIN_ERRORS,
    BrokerUnusable,
    check_lasting,
    masked,
    open_connection,
)
from ebats.runner.broker.mismatch import Declared, problem

if TYPE_CHECKING:
    from kombu.connection import Connection

#: Of one try to connect: a check is no start, which waits.
WAIT_S = 5.0


def look(pipeline: Pipeline, wait_s: float = WAIT_S) -> tuple[Problem, ...]:
    """Return what is wrong with a file's broker; each of its URLs is tried once."""
    if pipeline.broker.urls[0].startswith("sqlite:"):
        return tuple(_look_at_file(pipeline))
    broker = replace(pipeline.broker, connect_timeout_s=min(wait_s, pipeline.broker.connect_timeout_s))
    away: list[Problem] = []
    for url in broker.urls:
        try:
            connection = open_connection(broker, url)
        except BROKER_ERRORS as error:
            away.append(_refused(pipeline, url, error))
            continue
        return tuple(_asked(pipeline, connection))
    return tuple(away)


def _look_at_file(pipeline: Pipeline) -> Iterator[Problem]:
    """Look at an embedded broker; where there is none yet, what is its own will be made."""
    path = Path(pipeline.broker.urls[0].partition("://")[2].removeprefix("/"))
    try:
        if path.exists():
            yield from _asked(pipeline, open_connection(pipeline.broker, pipeline.broker.urls[0]))
            return
        if not path.parent.is_dir():
            text = f"the embedded broker's file can't be made: there is no folder {path.parent}"
            yield problem(pipeline, None, rules.BROKER_FILE, text, "make it, or write another path")
    except BrokerUnusable as error:
        yield problem(pipeline, None, rules.BROKER_FILE, str(error))
    except BROKER_ERRORS as error:
        yield problem(pipeline, None, rules.BROKER_FILE, _sentence(pipeline.broker, error))
    topology = derive(pipeline)
    items: tuple[Declared, ...] = (*topology.exchanges, *topology.queues)
    for item in items:
        if item.external and not path.exists():
            text = f"{item.name} isn't on the broker, whose file isn't there yet"
            hint = "have its owner make it, or take `external` out, and ebats makes it"
            yield problem(pipeline, item.place, rules.NOT_ON_BROKER, text, hint)


def _sentence(broker: Broker, error: BaseException) -> str:
    try:
        check_lasting(broker, error)
    except BrokerUnusable as lasting:
        return str(lasting)
    return f"the embedded broker's file can't be used: {error}"


def _asked(pipeline: Pipeline, connection: "Connection") -> Iterator[Problem]:
    with suppress(*BROKER_ERRORS), closing(connection):  # closing a lost one fails, too
        try:
            yield from compare.problems(connection, pipeline, derive(pipeline))
        except BROKER_ERRORS as error:
            check_lasting(pipeline.broker, error)
            text = f"the broker failed while it was asked: {error or type(error).__name__}"
            yield problem(pipeline, None, rules.BROKER_AWAY, text, "try again, or look at its log")


def _refused(pipeline: Pipeline, url: str, error: BaseException) -> Problem:
    why = str(error) or type(error).__name__
    if isinstance(error, LOGIN_ERRORS):
        text = f"the broker at {masked(url)} doesn't let this user in: {why}"
        hint = "look at `user`, `password` and `vhost`"
        return problem(pipeline, None, rules.LOGIN_REFUSED, text, hint)
    text = f"the broker at {masked(url)} can't be reached: {why}"
    return problem(pipeline, None, rules.BROKER_AWAY, text, "look whether it runs, and at its address")
