"""Calling a Python function with a message: its parameters, its exceptions."""

import importlib
import inspect
import traceback
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.model import Format
from ebats.runner.execution.api import WHOLE_PAYLOAD, Context, Reject, Retry
from ebats.runner.execution.outcome import Failed, Result, Returned

#: More would not fit: a header of 200 kB breaks an AMQP connection.
TEXT_BYTES = 4096
TRACEBACK_BYTES = 8192

#: Makes the context of an attempt; most functions want none.
MakeContext = Callable[[], Context]


class BadEntryPoint(Exception):
    """Raised when an entry point can't be imported or can't be called with a message."""


class BadBody(Exception):
    """Raised when a body can't be decoded in its event's format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A Python function, and which parameters it wants."""

    function: Callable[..., Any]
    is_async: bool
    #: The payload's keys that it takes; None: all, it has `**kwargs`.
    names: frozenset[str] | None
    required: frozenset[str]
    context_name: str | None
    payload_name: str | None


def find(entry: EntryPoint) -> Callable[..., Any]:
    """Import an entry point.

    Raises:
        BadEntryPoint: with what is wrong; an exception of the module is its cause.
    """
    try:
        found: Any = importlib.import_module(entry.module)
        for part in entry.attribute.split("."):
            found = getattr(found, part)
    except BaseException as error:  # a module may raise anything
        text = cut(f"{type(error).__name__}: {_text(error)}", TEXT_BYTES)
        raise BadEntryPoint(f"can't import {entry}: {text}") from error
    if not callable(found):
        raise BadEntryPoint(f"{entry} is no function but {type(found).__name__}")
    return typing.cast("Callable[..., Any]", found)


def inspect_function(function: Callable[..., Any]) -> Function:
    """Return how a task's function is to be called.

    Raises:
        BadEntryPoint: it is a generator, or has parameters that can't be named.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError as error:  # some builtins
        raise BadEntryPoint(f"it can't be called by names: {error}") from None
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise BadEntryPoint("a task can't be a generator: nobody would take what it yields")
    special = {name: what for name, what in _special(function).items() if name != "return"}
    by_name = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    if any(p.kind is p.POSITIONAL_ONLY for p in parameters):
        raise BadEntryPoint("a task's parameters are given by name, so none can be positional-only")
    plain = [p for p in by_name if p.name not in special]
    return Function(
        function=function,
        is_async=is_async(function),
        names=None if any(p.kind is p.VAR_KEYWORD for p in parameters) else frozenset(p.name for p in plain),
        required=frozenset(p.name for p in plain if p.default is p.empty),
        context_name=next((name for name, what in special.items() if what is Context), None),
        payload_name=next((name for name, what in special.items() if what is WHOLE_PAYLOAD), None),
    )


def is_async(function: Callable[..., Any]) -> bool:
    """Return whether what a function returns has to be awaited; an object may be a function too."""
    if inspect.iscoroutinefunction(function):
        return True
    return not inspect.isfunction(function) and inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - an object's own method is what is asked for
    )


def _special(function: Callable[..., Any]) -> dict[str, object]:
    target = function if inspect.isroutine(function) else type(function).__call__
    try:
        hints = typing.get_type_hints(target, include_extras=True)
    except Exception:  # an annotation that names what isn't there at run time: read the text
        hints = {name: _by_text(hint) for name, hint in getattr(target, "__annotations__", {}).items()}
    return {name: what for name, hint in hints.items() if (what := _marker(hint)) is not None}


def _by_text(hint: object) -> object:
    last = hint.rpartition(".")[2] if isinstance(hint, str) else None
    return {"Context": Context, "Payload": typing.Annotated[Any, WHOLE_PAYLOAD]}.get(last or "", hint)


def _marker(hint: object) -> object:
    if hint is Context:
        return Context
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        # `Context | None`, for functions that are called from elsewhere too.
        return next((what for one in typing.get_args(hint) if (what := _marker(one)) is not None), None)
    return WHOLE_PAYLOAD if WHOLE_PAYLOAD in getattr(hint, "__metadata__", ()) else None


_decode_json = msgspec.json.Decoder().decode


def decode(body: bytes, format_: Format) -> object:
    """Return a body as what its event's format says.

    Raises:
        BadBody: it isn't that; the text says where.
    """
    try:
        if format_ == "json":
            return _decode_json(body)
        return body.decode() if format_ == "text" else body
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise BadBody(f"the body is no {'JSON' if format_ == 'json' else 'UTF-8 text'}: {error}") from None


def arguments(function: Function, payload: object, context: MakeContext) -> dict[str, Any] | Failed:
    """Return the keyword arguments for a call, or how it fails for lack of them."""
    given: dict[str, Any] = {}
    if isinstance(payload, dict):
        names = function.names
        given = payload.copy() if names is None else {k: v for k, v in payload.items() if k in names}
    elif function.required:
        return _missing(f"the body is {_kind(payload)}, not an object with {_listed(function.required)}")
    if not function.required <= given.keys():
        return _missing(f"the payload has no {_listed(function.required - given.keys())}")
    if function.context_name:
        given[function.context_name] = context()
    if function.payload_name:
        given[function.payload_name] = payload
    return given


def _missing(text: str) -> Failed:
    return Failed("arguments", "MissingArgument", text)


def _listed(names: frozenset[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))


def _kind(payload: object) -> str:
    return "null" if payload is None else f"a {type(payload).__name__}"


def call(function: Function, payload: object, context: MakeContext) -> Result:
    """Call a sync function; whatever it raises becomes the result."""
    given = arguments(function, payload, context)
    if isinstance(given, Failed):
        return given
    try:
        value = function.function(**given)
    except BaseException as error:
        return failed(error)
    if inspect.iscoroutine(value):
        # A decorator that hides an `async def`: nothing has run, so it is no success.
        value.close()
        text = "the task returned a coroutine that nobody awaits: its entry point has to be an `async def`"
        return Failed("exception", "TypeError", text)
    return Returned(value)


async def call_async(function: Function, payload: object, context: MakeContext) -> Result:
    """Await an async function; what it raises becomes the result, but for its cancellation and the like."""
    given = arguments(function, payload, context)
    if isinstance(given, Failed):
        return given
    try:
        return Returned(await function.function(**given))
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        return failed(error)


def failed(error: BaseException) -> Failed:
    """Return an exception as a result: its class, its text cut at 4 KiB, its traceback at 8."""
    if isinstance(error, MemoryError):
        # What the task has taken hangs on its frames: settling it needs memory, too.
        traceback.clear_frames(error.__traceback__)
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(error, Retry):
        # A class of its own may have left it out.
        after_ms = getattr(error, "after_ms", None)
        after_ms = after_ms if isinstance(after_ms, int) else None
        return Failed("retry", name, cut(_text(error), TEXT_BYTES), exception=error, after_ms=after_ms)
    if isinstance(error, Reject):
        return Failed("reject", name, cut(_text(error), TEXT_BYTES), exception=error)
    return Failed("exception", name, cut(_text(error), TEXT_BYTES), _traceback(error), error)


def timed_out(timeout_s: float) -> Failed:
    """Return the result of an attempt that took longer than its task's time-out."""
    return Failed("timeout", "TimeoutError", f"the attempt took longer than its time-out of {timeout_s:g} s")


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as second:
        return f"(its text can't be had: {type(second).__name__})"


def _traceback(error: BaseException) -> str:
    try:
        # Without the text, which may be of any length; the end says where it happened.
        lines = traceback.format_tb(error.__traceback__)[1:]
    except Exception:
        return ""
    return cut("".join(lines), TRACEBACK_BYTES, keep_end=True)


def cut(text: str, limit: int, *, keep_end: bool = False) -> str:
    """Return a text of at most `limit` bytes of UTF-8, cut at a character, with a mark where it was cut."""
    # A lone surrogate can't be sent: it becomes a question mark.
    data = (text[-limit:] if keep_end else text[:limit]).encode(errors="replace")
    if len(data) <= limit and len(text) <= limit:
        return data.decode()
    mark = "…"
    room = limit - len(mark.encode())
    if keep_end:
        return mark + data[-room:].decode(errors="ignore")
    return data[:room].decode(errors="ignore") + mark
