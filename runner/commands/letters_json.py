"""Dead letters for programs."""

import base64
import json
import math
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ebats.runner.commands.letters import clock
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.fields import is_utf8
from ebats.runner.execution.letter import Letter


def summary(letter: Letter) -> dict[str, Any]:
    """Return what a table of letters shows."""
    return {
        "died": None if letter.died is None else clock(letter.died),
        "task": letter.task,
        "event": letter.event,
        "reason": letter.reason,
        "attempts": letter.attempt,
        "id": letter.id,
        "queue": letter.queue,
        "error": letter.error,
        "text": letter.text,
    }


def whole(letter: Letter) -> dict[str, Any]:
    """Return all of a letter: `body_base64` has its bytes; `body` shows them where they are JSON."""
    delivery = letter.delivery
    return {
        **summary(letter),
        "exchange": letter.exchange,
        "key": letter.key,
        "first": None if letter.first is None else clock(letter.first),
        "crashes": letter.crashes,
        "traceback": letter.traceback,
        **contents(delivery),
    }


def contents(delivery: Delivery) -> dict[str, Any]:
    """Return a message's headers, properties and body, as `whole` does."""
    given = delivery.properties.items()
    found: dict[str, Any] = {
        "headers": plain(delivery.headers),
        "properties": plain({name: value for name, value in given if name != "application_headers"}),
    }
    with suppress(ValueError, RecursionError):
        found["body"] = json.loads(delivery.body, parse_constant=_refuse)
    return found | {"body_base64": base64.b64encode(delivery.body).decode()}


def line(value: dict[str, Any]) -> str:
    """Return a value as one line of JSON."""
    text = json.dumps(value, ensure_ascii=False) + "\n"
    # Half a surrogate pair, which JSON can name and UTF-8 can't.
    return text if text.isascii() or is_utf8(text) else json.dumps(value) + "\n"


def plain(value: Any) -> Any:
    """Return a value of AMQP's as JSON has it: times in ISO 8601, bytes as `{"base64": ...}`."""
    if isinstance(value, dict):
        return {
            key if isinstance(key, str) else bytes(key).decode(errors="backslashreplace"): plain(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, Decimal) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    return value


def _refuse(constant: str) -> None:
    """Raise ValueError: NaN and Infinity are no JSON, though Python reads them."""
    raise ValueError(constant)
