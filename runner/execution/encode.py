"""A task's result as JSON, for those who are to read it; what can't be is said with its place. Pure."""

import json
import math
from collections.abc import Iterator, Mapping

import msgspec

from ebats.runner.execution.fields import is_utf8

#: RabbitMQ 4 takes messages of 16 MiB (https://www.rabbitmq.com/docs/configure, max_message_size).
MOST_BYTES = 16_000_000
#: Receivers may decode from a deeper stack than this one.
_DEPTH_MARGIN = 64
#: So many parts of a result are looked at for the one that isn't JSON.
_MOST_PARTS = 1_000_000
_PATH_LENGTH = 200
#: Python writes no longer number in decimal (sys.set_int_max_str_digits).
_MOST_BITS = 14_280

_check = msgspec.json.Decoder(msgspec.Raw).decode


class BadResult(Exception):
    """Raised when a result can't be handed on; its text says why."""


def encode(value: object) -> bytes:
    """Return a result as JSON.

    Raises:
        BadResult: it isn't JSON, or too large; the text says where.
    """
    try:
        encoded = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except RecursionError:
        raise BadResult("the result is nested too deeply") from None
    except BaseException as error:  # a class of the task's own may raise anything
        where = _where(value, error)
        raise BadResult(f"the result isn't JSON, and `then` or `reply_to` hands it on: {where}") from None
    _check_size(len(encoded), "the result")
    return encoded


def is_json(text: bytes) -> bool:
    """Return whether a text is JSON, without decoding it."""
    try:
        text.decode()
        _check(text)
    except (ValueError, msgspec.MsgspecError, RecursionError):
        return False
    return True


def text(value: str | int | None) -> bytes:
    """Return a text or a number as JSON; half a surrogate pair, as ids may hold, becomes a question mark."""
    return msgspec.json.encode(value.encode(errors="replace").decode() if isinstance(value, str) else value)


def join(parts: Mapping[str, bytes]) -> bytes:
    """Return an object of parts that are JSON already.

    Raises:
        BadResult: it is too large for a message, or too deep to be read.
    """
    _check_size(sum(len(part) for part in parts.values()), "the result with its payload")
    body = b"{" + b",".join(b'"%b":%b' % (name.encode(), part) for name, part in parts.items()) + b"}"
    try:
        _check(b"[" * _DEPTH_MARGIN + body + b"]" * _DEPTH_MARGIN)
    except RecursionError:
        raise BadResult("the result is nested too deeply for those who are to read it") from None
    return body


def _check_size(size: int, what: str) -> None:
    if size > MOST_BYTES:
        hint = "keep it elsewhere, and return where"
        raise BadResult(f"{what} has {size:,} bytes, and a message holds {MOST_BYTES:,}: {hint}")


def _where(value: object, error: BaseException) -> str:
    try:
        if str(error).startswith("Circular reference"):
            return "it holds itself"
        return _first_wrong(value) or f"{type(error).__name__}: {error}"
    except BaseException as second:
        return type(second).__name__


def _first_wrong(value: object) -> str | None:
    """Return which part isn't JSON, such as `.items.0: a set`."""
    way: list[Iterator[tuple[str, object]]] = [iter([("", value)])]
    steps: list[str] = []
    for _ in range(_MOST_PARTS):
        step, part = next(way[-1], (None, None))
        if step is None:
            way.pop()
            if not way:
                return None
            del steps[-1:]
        elif wrong := _wrong(part):
            return f"{'.'.join([*steps, step])[:_PATH_LENGTH] or 'the whole'}: {wrong}"
        else:
            steps.append(step)
            way.append(_parts(part))
    return None


def _parts(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        yield from ((str(key)[:_PATH_LENGTH], inner) for key, inner in value.items())
    elif isinstance(value, list | tuple):
        yield from ((str(index), inner) for index, inner in enumerate(value))


def _wrong(value: object) -> str | None:
    if isinstance(value, dict):
        return next((f"a key that is {wrong}" for key in value if (wrong := _wrong_key(key))), None)
    if isinstance(value, str):
        return None if is_utf8(value) else "a text with half a surrogate pair"
    if isinstance(value, float):
        return None if math.isfinite(value) else str(value)
    if isinstance(value, int):
        return None if value.bit_length() < _MOST_BITS else "a number of thousands of digits"
    return None if value is None or isinstance(value, list | tuple) else _kind(value)


def _wrong_key(key: object) -> str | None:
    return _wrong(key) if key is None or isinstance(key, str | int | float) else _kind(key)


def _kind(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[:1] in 'aeiouAEIOU' else 'a'} {name}"
