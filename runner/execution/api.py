"""What the author of tasks and producers imports: Retry, Reject, Context, Payload, ProducerContext."""

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, Protocol, TypeAlias, TypedDict, Unpack, cast

from ebats.pipelines.ladder import LONGEST_WAIT_S, parse_duration


class Retry(Exception):
    """Raise it in a task for another attempt: `raise Retry("busy")`.

    The task's ladder says when, or `after`. A task without a ladder waits 10 seconds, five times.
    """

    def __init__(self, *texts: object, after: float | str | timedelta | None = None) -> None:
        """Ask for another attempt, and say why in `texts`.

        `after` is the wait, in place of the ladder's: seconds, a text such as "90s", or a timedelta.
        How many attempts there are the ladder says all the same.

        Raises:
            ValueError, TypeError: `after` is none of those, negative, or more than a hundred years.
        """
        super().__init__(*texts)
        #: In whole milliseconds, rounded up: never early.
        self.after_ms: int | None = None if after is None else _wait_ms(after)


class Reject(Exception):
    """Raise it in a task for no other attempt: `raise Reject("no such order")`. The message is dead."""


class Logger(Protocol):
    """Writes lines into the log, each with the task and the message id."""

    def debug(self, text: str) -> None: ...

    def info(self, text: str) -> None: ...

    def warning(self, text: str) -> None: ...

    def error(self, text: str) -> None: ...


class TaskOptions(TypedDict, total=False):
    """What `run_task` takes by name."""

    id: str | None
    delay: str | float | timedelta | None
    queue: str | None
    headers: Mapping[str, Any] | None


class EventOptions(TaskOptions, total=False):
    """What `publish` takes by name."""

    key: str | None


class Publishes(Protocol):
    """Publishes to the pipeline; `ebats.Publisher` has the same methods, and tells of what they raise."""

    def publish(self, event: str, payload: Any, **options: Unpack[EventOptions]) -> str: ...

    def run_task(self, task: str, payload: Any, **options: Unpack[TaskOptions]) -> str: ...

    async def publish_async(self, event: str, payload: Any, **options: Unpack[EventOptions]) -> str: ...

    async def run_task_async(self, task: str, payload: Any, **options: Unpack[TaskOptions]) -> str: ...


class _Nowhere:
    """Stands where there is no pipeline: in the test of a task, for instance."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("this context belongs to no running pipeline: give it a `publisher` of your own")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What is known about one attempt. A parameter that is annotated with this class gets it.

    A task publishes with it: a message is on the broker when the call returns, whatever becomes of
    the attempt, and published again when the task runs again. Give it an `id` of its own to know repeats.
    """

    #: The message's id: the same over all attempts, so that a repeat can be known.
    id: str
    #: None: the task was addressed directly.
    event: str | None
    task: str
    #: From 1.
    attempt: int
    #: How the message came: the exchange and the key it was published with.
    exchange: str
    key: str
    #: The queue's name in the file.
    queue: str
    headers: Mapping[str, Any]
    body: bytes
    logger: Logger
    publisher: Publishes = field(default=cast("Publishes", _Nowhere()), repr=False, compare=False)

    def publish(self, event: str, payload: Any, **options: Unpack[EventOptions]) -> str:
        """Publish an event and return the message's id, once the broker has confirmed it.

        As `ebats.Publisher.publish`, with the same arguments and exceptions. In an async task it holds
        up all others of its process meanwhile: await `publish_async` there.
        """
        return self.publisher.publish(event, payload, **options)

    def run_task(self, task: str, payload: Any, **options: Unpack[TaskOptions]) -> str:
        """Publish a message for one task, whatever its events; see `publish`."""
        return self.publisher.run_task(task, payload, **options)

    async def publish_async(self, event: str, payload: Any, **options: Unpack[EventOptions]) -> str:
        """Do what `publish` does, for an async task to await."""
        return await self.publisher.publish_async(event, payload, **options)

    async def run_task_async(self, task: str, payload: Any, **options: Unpack[TaskOptions]) -> str:
        """Do what `run_task` does, for an async task to await."""
        return await self.publisher.run_task_async(task, payload, **options)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerContext:
    """What a producer's function has to work with. A parameter that is annotated with this class gets it."""

    #: The producer's, as the file has it.
    name: str
    logger: Logger
    publisher: Publishes = field(default=cast("Publishes", _Nowhere()), repr=False, compare=False)
    _stop: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)

    @property
    def stopping(self) -> bool:
        """Whether the function is asked to return: its process is to leave."""
        return self._stop.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until the process is to leave; return whether to go on."""
        return not self._stop.wait(seconds)

    def publish(self, event: str, payload: Any, **options: Unpack[EventOptions]) -> str:
        """Publish an event and return the message's id, once the broker has confirmed it.

        As `ebats.Publisher.publish`, with the same arguments and exceptions.
        """
        return self.publisher.publish(event, payload, **options)

    def run_task(self, task: str, payload: Any, **options: Unpack[TaskOptions]) -> str:
        """Publish a message for one task, whatever its events; see `publish`."""
        return self.publisher.run_task(task, payload, **options)

    async def publish_async(self, event: str, payload: Any, **options: Unpack[EventOptions]) -> str:
        """Do what `publish` does, for an async function to await."""
        return await self.publisher.publish_async(event, payload, **options)

    async def run_task_async(self, task: str, payload: Any, **options: Unpack[TaskOptions]) -> str:
        """Do what `run_task` does, for an async function to await."""
        return await self.publisher.run_task_async(task, payload, **options)


# Their users know them as `ebats.Retry`: so they are called in logs and tracebacks.
for _kind in (Retry, Reject, Context, ProducerContext):
    _kind.__module__ = "ebats"


def _wait_ms(after: object) -> int:
    text = f"`after` of Retry can't be {after!r:.60}: write seconds, a text such as '90s', or a timedelta"
    if isinstance(after, timedelta):
        after = after.total_seconds()
    elif isinstance(after, str):
        try:
            after = parse_duration(after) / 1000
        except ValueError:
            raise ValueError(text) from None
    if isinstance(after, bool) or not isinstance(after, int | float):
        raise TypeError(text)
    if not 0 <= after <= LONGEST_WAIT_S:
        raise ValueError(f"{text} from 0 to a hundred years")
    return math.ceil(after * 1000)


class _WholePayload:
    """Marks the parameter that gets the whole decoded body."""


WHOLE_PAYLOAD = _WholePayload()

#: A parameter that is annotated with this gets the whole decoded body, of any type.
Payload: TypeAlias = Annotated[Any, WHOLE_PAYLOAD]
