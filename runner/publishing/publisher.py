"""`ebats.Publisher`: publishing from any Python program."""

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TypeVar

from ebats.pipelines.load import from_bytes, load
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import BadFile
from ebats.pipelines.wiring import Wiring, wire
from ebats.runner.broker import look
from ebats.runner.broker.connect import BrokerUnusable
from ebats.runner.broker.mismatch import TopologyMismatch
from ebats.runner.execution.schemas import Schemas
from ebats.runner.execution.unpublished import NotConfirmed, Refused
from ebats.runner.publishing import messages
from ebats.runner.publishing.flight import Sends
from ebats.runner.publishing.messages import Duration
from ebats.runner.publishing.names import ByFile, ByUrl
from ebats.runner.publishing.outlet import Outlet
from ebats.runner.publishing.shared import Shared

_SCHEMES = ("amqp:", "amqps:", "sqlite:")
#: A file may change while a program runs: what was read of it on the broker is believed for so long.
_FRESH_S = 300.0

_LEVELS = {"debug": logging.DEBUG, "warning": logging.WARNING, "error": logging.ERROR}

T = TypeVar("T")

_log = logging.getLogger("ebats.publisher")


class Publisher(Outlet):
    """Publishes to one pipeline, from any thread, any event loop, and any forked child.

    The connection is opened by the first publish, and shared by all that a process publishes with
    this object. Make one for a program, at its top; it needn't be closed.
    """

    def __init__(
        self, where: str | os.PathLike[str], name: str | None = None, *, timeout: Duration = 30.0
    ) -> None:
        """Publish to the pipeline of a file, or of a broker's URL and a name.

        Args:
            where: A pipeline file, whose variables are read from `os.environ` and its `.env`; or `amqp://...`,
                `amqps://...`, `sqlite:///...`.
            name: The pipeline's name, with a URL.
            timeout: How long a message may wait for its confirm: "30s", a timedelta, or seconds.

        Raises:
            BadFile: the file has errors.
            UnreadableFile: it can't be read.
            ValueError: the URL or the name is none.
        """
        self._timeout_s = messages.seconds(timeout, "a timeout", 86_400.0)
        text = os.fspath(where)
        self._by_url = text.startswith(_SCHEMES)
        if self._by_url:
            if name is None:
                raise ValueError("with a URL, say which pipeline: Publisher(url, name=...)")
            self._pipeline = _of_url(text, name)
            self._names = ByUrl(name, self._ask_wiring)
        else:
            if name is not None:
                raise ValueError("name= goes with a URL; a file has its pipeline's name in it")
            self._pipeline = load(text, os.environ)
            self._names = ByFile(self._pipeline.name, wire(self._pipeline))
            self._schemas = Schemas(self._pipeline)
        self._shared = Shared(self._pipeline.broker, _say)
        self._declared = self._by_url
        self._wiring: tuple[float, Wiring] | None = None
        self._closed = False
        self._locks: dict[int, threading.Lock] = {}

    def close(self) -> None:
        """Wait until all that is on its way is confirmed, at most `timeout`, and close the connection."""
        self._closed = True
        self._shared.close(self._timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        import asyncio

        await asyncio.to_thread(self.close)

    def _sender(self) -> Sends:
        if self._closed:
            raise RuntimeError("this publisher is closed")
        if not self._declared:
            self._declare()
        return self._shared.publisher()

    def _is_ready(self) -> bool:
        return self._declared

    def _why(self) -> str:
        return self._shared.why()

    def _declare(self) -> None:
        """Declare the pipeline, where nobody ever did."""
        with self._alone() as stop:
            if not self._declared:
                self._known(look.ensure(self._pipeline, self._shared.voice.say, stop, compare=False))
                self._declared = True

    def _ask_wiring(self) -> Wiring:
        """Return what is in the pipeline's file, as it was last applied on the broker."""
        with self._alone() as stop:
            if self._wiring is None or time.monotonic() - self._wiring[0] > _FRESH_S:
                found = self._known(look.wiring(self._pipeline, self._shared.voice.say, stop))
                self._wiring = (time.monotonic(), found)
            return self._wiring[1]

    @contextmanager
    def _alone(self) -> Iterator[Callable[[], bool]]:
        """Let one thread ask the broker at a time; yields what says that it has taken too long."""
        deadline = time.monotonic() + self._timeout_s
        # After a fork the parent's thread may have it for ever: the child has another.
        lock = self._locks.setdefault(os.getpid(), threading.Lock())
        if not lock.acquire(timeout=self._timeout_s):
            self._known(None)
        try:
            yield lambda: time.monotonic() > deadline
        except (TopologyMismatch, BrokerUnusable) as error:
            raise Refused(str(error)) from error
        finally:
            lock.release()

    def _known(self, found: T | None) -> T:
        """Return what the broker has told, in time."""
        if found is None:
            why = f": {text}" if (text := self._shared.voice.trouble) else ""
            text = f"the broker hasn't answered within {self._timeout_s:g} s{why}; nothing was sent"
            raise NotConfirmed(text)
        return found


def _of_url(url: str, name: str) -> Pipeline:
    """Return a pipeline of which only the name and the broker are known."""
    if url.startswith("sqlite:") and not url.startswith("sqlite:///"):
        raise ValueError("the URL of an embedded broker is sqlite:/// and a path")
    # Checked as in a file; relative paths are relative to the current folder.
    text = json.dumps({"version": 1, "name": name, "broker": {"url": url}})
    try:
        return from_bytes("the URL", text.encode(), {}).pipeline
    except BadFile as error:
        raise ValueError("; ".join(problem.text for problem in error.problems)) from None


def _say(level: str, text: str) -> None:
    _log.log(_LEVELS.get(level, logging.INFO), text)
