"""Items of a request: what each asks for, its shape checked. Pure; names are looked up elsewhere."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from ebats.pipelines.suggestion import suggest
from ebats.runner.publishing import messages

#: What says where an item goes.
NAMES = ("exchange", "queue", "route", "event", "task")
_KEYS = (*NAMES, "payload", "id", "delay", "headers", "raw")

#: Of a name in the file.
_LONGEST_NAME = 64

Reason = Literal["invalid", "forbidden", "too_large"]


class BadItem(ValueError):
    """Raised for an item that can't be published; its text says why."""

    def __init__(
        self, text: str, reason: Reason = "invalid", name: str = "", known: Iterable[str] = ()
    ) -> None:
        """`reason` tells what is wrong with an item from what its sender may not do.

        `name` is one that isn't among those that are `known`.
        """
        super().__init__(text)
        self.reason: Reason = reason
        self._name = name
        self._known = known

    def hint(self) -> str:
        """Return what helps, or nothing: looking for a name like it takes time."""
        return suggest(self._name[:_LONGEST_NAME], self._known) if self._name else ""


class Item(msgspec.Struct, kw_only=True):
    """What a sender wants published. Of the names those that it doesn't give are None."""

    exchange: str | None = None
    queue: str | None = None
    route: str | None = None
    event: str | None = None
    task: str | None = None
    #: Decoded, and as the sender wrote it.
    payload: Any
    json: bytes
    #: The payload is a text that is the body as it stands.
    raw: bool = False
    id: str | None = None
    #: How long its tasks wait.
    delay_s: float = 0.0
    headers: Mapping[str, Any] | None = None

    @property
    def names(self) -> tuple[str | None, ...]:
        """Return what says where it goes."""
        return (self.exchange, self.queue, self.route, self.event, self.task)


def read(value: object, texts: Mapping[str, msgspec.Raw]) -> Item:
    """Return the item that a JSON value is; `texts` holds each of its values as it is written.

    Raises:
        BadItem: it is none.
    """
    if not isinstance(value, dict):
        raise BadItem(f"an item is an object, and this is {_kind(value)}")
    if unknown := [key for key in value if key not in _KEYS]:
        raise BadItem(f"an item has no `{unknown[0]:.64}`", name=unknown[0], known=_KEYS)
    if "payload" not in value:
        raise BadItem("the item has no `payload`")
    raw = value.get("raw", False)
    if not isinstance(raw, bool):
        raise BadItem(f"`raw` is true or false, and this is {_kind(raw)}")
    item = Item(payload=value["payload"], json=bytes(texts["payload"]), raw=raw)
    for name in NAMES:
        setattr(item, name, _text(name, value.get(name)))
    item.id = check_id(_text("id", value.get("id")))
    item.delay_s = seconds(value.get("delay"))
    if headers := value.get("headers"):
        item.headers = _headers(headers)
    return item


def check_id(id_: str | None) -> str | None:
    """Return a message id, if it can be one.

    Raises:
        BadItem: it can't.
    """
    try:
        return None if id_ is None else messages.check_id(id_)
    except ValueError as error:
        raise BadItem(str(error)) from None


def seconds(delay: object) -> float:
    """Return a delay in seconds: of a text with a unit, or a number of them; None is 0.

    Raises:
        BadItem: it is none.
    """
    if delay is None:
        return 0.0
    try:
        if not isinstance(delay, str | int | float) or isinstance(delay, bool):
            raise BadItem(f'`delay` is a text such as "37s", or seconds, and this is {_kind(delay)}')
        return messages.seconds(delay, "`delay`")
    except OverflowError:
        raise BadItem("`delay` is too large a number") from None
    except ValueError as error:
        raise BadItem(str(error)) from None


def _headers(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadItem(f"`headers` is an object of names and values, and this is {_kind(value)}")
    try:
        messages.check_headers(value)
    except (TypeError, ValueError) as error:
        raise BadItem(str(error)) from None
    return value


def _text(name: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        # Publishers with fixed columns leave what they don't use empty.
        return value or (None if name != "route" else value)
    raise BadItem(f"`{name}` is a text, and this is {_kind(value)}")


def _kind(value: object) -> str:
    if value is None:
        return "null"
    names = {bool: "true or false", str: "a text", dict: "an object", list: "an array"}
    return names.get(type(value), "a number")
