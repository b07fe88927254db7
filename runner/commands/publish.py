"""`ebats publish FILE EVENT`: messages to the broker, each confirmed."""

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from ebats.pipelines.counting import counted
from ebats.pipelines.load import load
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import EbatsError, UsageError
from ebats.runner.broker import look
from ebats.runner.broker.bulk import Bulk
from ebats.runner.broker.connect import BrokerUnusable, Say
from ebats.runner.commands import payloads, target
from ebats.runner.commands.payloads import BadPayload
from ebats.runner.commands.progress import Progress
from ebats.runner.commands.say import say
from ebats.runner.commands.target import Target
from ebats.runner.execution.settle import Outgoing


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asks for: one of event, task and exchange; one of data and lines."""

    event: str | None = None
    task: str | None = None
    exchange: str | None = None
    key: str | None = None
    #: How long the tasks wait.
    delay_s: float = 0.0
    #: From which queue they run, by its name in the file; None: as the file has it.
    queue: str | None = None
    #: A payload.
    data: str | None = None
    #: A file with a payload on each line, `-` for standard input.
    lines: str | None = None
    #: The id of a single message; None: a new one.
    message_id: str | None = None
    #: How long the broker is waited for, at the start and whenever it goes.
    wait_s: float = 10.0


class PublishFailed(EbatsError):
    """Raised when not all has been published; its text says how much was."""


class Interrupted(EbatsError):
    """Raised instead of KeyboardInterrupt; its text says how much was confirmed."""

    #: As shells say it: 128 and the number of SIGINT.
    exit_code = 130


class _Patience:
    """Says when the broker has made no progress for too long."""

    def __init__(self, wait_s: float, seen: Callable[[], int]) -> None:
        self._wait_s = wait_s
        self._seen = seen
        self._last = seen()
        self._since = time.monotonic()

    def is_over(self) -> bool:
        """Return whether that is so; it counts from the last time that this saw any."""
        now = time.monotonic()
        if self._seen() != self._last:
            self._last, self._since = self._seen(), now
        return now - self._since >= self._wait_s


def main(file: str, environ: Mapping[str, str], request: Request) -> int:
    """Publish what is asked for, and print how many messages that were.

    Returns 0, or 1 where no queue takes some of them.

    Raises:
        UsageError: the request doesn't fit the file.
        EbatsError: not all could be published.
    """
    pipeline = _patient(load(file, environ), request.wait_s)
    where = _target(pipeline, request)
    progress = Progress()
    if request.data is not None:
        return _publish(pipeline, where, _single(where, request, request.data), request.wait_s, progress)
    path = request.lines or payloads.STDIN
    with payloads.open_lines(path) as opened:
        shown = progress.lines(payloads.lines(opened), payloads.size(opened))
        name = "standard input" if path == payloads.STDIN else path
        return _publish(pipeline, where, payloads.messages(where, shown, name), request.wait_s, progress)


def _patient(pipeline: Pipeline, wait_s: float) -> Pipeline:
    """Return the pipeline with no single try of connecting longer than all may take."""
    timeout_s = max(1.0, min(wait_s, pipeline.broker.connect_timeout_s))
    return replace(pipeline, broker=replace(pipeline.broker, connect_timeout_s=timeout_s))


def _target(pipeline: Pipeline, request: Request) -> Target:
    if request.exchange is not None:
        return target.of_exchange(pipeline, request.exchange, request.key or "")
    if request.task is not None:
        return target.of_task(pipeline, request.task, request.delay_s, request.queue)
    return target.of_event(pipeline, request.event or "", request.delay_s, request.queue, request.key)


def _single(where: Target, request: Request, data: str) -> list[Outgoing]:
    try:
        return payloads.message(where, data.encode(errors="surrogateescape"), request.message_id)
    except BadPayload as error:
        raise UsageError(str(error)) from None


def _publish(
    pipeline: Pipeline,
    where: Target,
    messages: Iterable[Outgoing | None],
    wait_s: float,
    progress: Progress,
) -> int:
    def tell(level: str, text: str) -> None:
        progress.clear()
        say(level, text)

    bulk = Bulk(pipeline.broker, tell, lambda: patience.is_over())  # noqa: PLW0108 - they need each other
    patience = _Patience(wait_s, lambda: bulk.confirmed + bulk.unroutable)
    try:
        _declare(pipeline, tell, patience)
        seconds = _pour(where, bulk, messages, wait_s)
    except KeyboardInterrupt:
        confirmed = counted(bulk.confirmed // where.copies, "message")
        raise Interrupted(f"interrupted; {confirmed} confirmed") from None
    finally:
        progress.clear()
    return _report(where, bulk, seconds)


def _pour(where: Target, bulk: Bulk, messages: Iterable[Outgoing | None], wait_s: float) -> float:
    """Publish the messages, and return how many seconds it took."""
    begun = time.monotonic()
    try:
        done = bulk.publish(messages)
    except BrokerUnusable as error:
        raise BrokerUnusable(f"{error}; {_so_far(where, bulk)}") from error
    except EbatsError as error:
        raise PublishFailed(f"{error}; {_so_far(where, bulk)}") from error
    if not done:
        so_far = _in_doubt(where, bulk) if bulk.in_doubt else _so_far(where, bulk)
        raise PublishFailed(f"gave up, after {wait_s:g} s without the broker; {so_far}")
    return time.monotonic() - begun


def _declare(pipeline: Pipeline, tell: Say, patience: _Patience) -> None:
    differs = look.ensure(pipeline, tell, patience.is_over, compare=True)
    if differs is None:
        raise PublishFailed("gave up waiting for the broker; nothing was published")
    if differs:
        text = f"what {pipeline.name} has on the broker differs from {pipeline.file}"
        tell("warning", f"{text}; the next start of `ebats run` brings it up to date")


def _so_far(where: Target, bulk: Bulk) -> str:
    published = bulk.confirmed // where.copies
    return f"{counted(published, 'message')} had been published" if published else "nothing was published"


def _in_doubt(where: Target, bulk: Bulk) -> str:
    published, doubt = bulk.confirmed // where.copies, -(-bulk.in_doubt // where.copies)
    sure = f"{counted(published, 'message')} had been published" if published else "nothing was confirmed"
    return f"{sure}, and {counted(doubt, 'message')} on the way may arrive or not"


def _report(where: Target, bulk: Bulk, seconds: float) -> int:
    confirmed, unroutable = bulk.confirmed // where.copies, -(-bulk.unroutable // where.copies)
    if not confirmed and not unroutable:
        sys.stdout.write(f"published nothing to {where.name}: there was no payload\n")
    if confirmed:
        rate = f" ({confirmed / seconds:,.0f}/s)" if confirmed > 1 else ""
        end = "confirmed" if confirmed == 1 else "all confirmed"
        messages = counted(confirmed, "message")
        sys.stdout.write(f"published {messages} to {where.name} in {seconds:.2f} s{rate}, {end}\n")
    if unroutable:
        messages = counted(unroutable, "message")
        say("error", f"no queue takes {messages}: none is bound for {where.name}")
        return 1
    return 0
