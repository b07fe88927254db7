"""A producer's function: what it is called with, and what came of the call."""

import inspect
import types
import typing
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ebats.runner.execution.api import ProducerContext
from ebats.runner.execution.call import BadEntryPoint

#: What a producer yields, however it does it; None: it has published by itself, or nothing.
Items = Iterable[Any] | AsyncIterable[Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerFunction:
    """A Python function that yields what is published, and which parameter wants the context."""

    function: Callable[..., Any]
    context_name: str | None

    def call(self, context: ProducerContext) -> Items | Awaitable[Items]:
        """Call it; of a generator nothing has run then.

        Raises:
            BaseException: what it raises.
            TypeError: it returned what isn't a number of items.
        """
        given = {self.context_name: context} if self.context_name else {}
        made = self.function(**given)
        return made if inspect.isawaitable(made) else items(made)


def inspect_producer(function: Callable[..., Any]) -> ProducerFunction:
    """Return how a producer's function is to be called.

    Raises:
        BadEntryPoint: it wants parameters that nobody gives.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError as error:  # some builtins
        raise BadEntryPoint(f"its parameters can't be known: {error}") from None
    hints = _hints(function)
    context_name = next((each.name for each in parameters if _is_context(hints.get(each.name))), None)
    for each in parameters:
        is_given = each.name == context_name and each.kind is not each.POSITIONAL_ONLY
        if (
            not is_given
            and each.default is each.empty
            and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
        ):
            text = "a producer gets its context, in a parameter annotated ebats.ProducerContext, and no more"
            raise BadEntryPoint(f"nobody gives it {each.name!r}: {text}")
    return ProducerFunction(function=function, context_name=context_name)


def items(made: object) -> Items:
    """Return what a producer's function returned, if it is a number of items, or nothing.

    Raises:
        TypeError: it is something else.
    """
    if made is None or isinstance(made, AsyncIterable):
        return made
    if isinstance(made, Iterable) and not isinstance(made, str | bytes | bytearray | Mapping):
        return made
    kind = type(made).__name__
    raise TypeError(f"a producer yields items, or returns None or an iterable of them, and not a {kind}")


def _hints(function: Callable[..., Any]) -> dict[str, object]:
    target = function if inspect.isroutine(function) else type(function).__call__
    try:
        return typing.get_type_hints(target)
    except Exception:  # an annotation that names what isn't there at run time: read the text
        return dict(getattr(target, "__annotations__", {}))


def _is_context(hint: object) -> bool:
    if isinstance(hint, str):
        return any(part.strip().rpartition(".")[2] == ProducerContext.__name__ for part in hint.split("|"))
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return any(_is_context(each) for each in typing.get_args(hint))
    return hint is ProducerContext
