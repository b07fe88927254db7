"""From checked data to producers: defaults are filled in, secrets and addresses become values."""

import json
from collections.abc import Mapping

from ebats.pipelines import rules
from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.model import Event, Task
from ebats.pipelines.producer import Allow, HttpProducer, Producer, PythonProducer, TickProducer, Token
from ebats.pipelines.source import Path
from ebats.pipelines.values import Values

LISTEN = "127.0.0.1:9501"
MAX_BODY, MAX_ITEM = 16 * 2**20, 2**20
DEPTH = 64
CONNECTIONS = 1000
#: A tick more often than that is a loop, and no clock.
_SHORTEST_EVERY_MS = 100


def resolve_producers(
    values: Values, timezone: str, events: Mapping[str, Event], tasks: Mapping[str, Task]
) -> dict[str, Producer]:
    """Return the producers of a file; `timezone` is the pipeline's. What is wrong goes to `values`."""
    return {name: _producer(values, name, timezone, events, tasks) for name in values.keys("producers")}


def _producer(
    values: Values, name: str, timezone: str, events: Mapping[str, Event], tasks: Mapping[str, Task]
) -> Producer:
    path: Path = ("producers", name)
    place = values.source.key_place(path)
    event = values.reference(*path, "event", kind="event", known={key: key for key in events})
    task = values.reference(*path, "task", kind="task", known={key: key for key in tasks})
    if "http" in values.keys(*path):
        return _http(values, name)
    if "python" in values.keys(*path):
        entry = values.entry_point(*path, "python") or EntryPoint(module="", attribute="", place=place)
        return PythonProducer(name=name, python=entry, event=event, place=place)
    has_every = "every" in values.keys(*path)
    payload = values.get(*path, "payload") if "payload" in values.keys(*path) else {}
    return TickProducer(
        name=name,
        cron=values.get(*path, "cron"),
        every_ms=values.duration_ms(*path, "every", low=_SHORTEST_EVERY_MS) if has_every else None,
        at_start=bool(values.get(*path, "at_start")),
        timezone=values.get(*path, "timezone") or timezone,
        event=event,
        task=task,
        payload=json.dumps(payload, ensure_ascii=False, separators=(",", ":")),
        missed=values.get(*path, "missed") or "once",
        place=place,
    )


def _http(values: Values, name: str) -> HttpProducer:
    path: Path = ("producers", name, "http")
    host, port = _address(values, (*path, "listen"))
    rate = values.get(*path, "rate")
    return HttpProducer(
        name=name,
        host=host,
        port=port,
        tokens=_tokens(values, (*path, "auth", "bearer"), float(rate) if rate else None),
        secrets=_texts(values, (*path, "auth", "secret")),
        insecure=bool(values.get(*path, "insecure")),
        hosts=tuple(item for _, item in values.items(*path, "hosts")),
        max_body=values.size(*path, "max_body", low=1000) or MAX_BODY,
        max_item=values.size(*path, "max_item", low=1000) or MAX_ITEM,
        depth=int(values.get(*path, "depth") or DEPTH),
        header_timeout_s=values.seconds(*path, "header_timeout", default="10s", low=100),
        idle_timeout_s=values.seconds(*path, "idle_timeout", default="75s", low=100),
        max_connections=int(values.get(*path, "max_connections") or CONNECTIONS),
        rate=float(rate) if rate else None,
        processes=int(values.get("producers", name, "processes") or 1),
        place=values.source.key_place(("producers", name)),
    )


def _address(values: Values, path: Path) -> tuple[str, int]:
    host, _, port = (values.get(*path) or LISTEN).rpartition(":")
    if not 0 < int(port) < 65_536:
        values.problem(rules.BAD_HOST, path, f"there is no port {port}", "write one from 1 to 65535")
    return host.strip("[]"), int(port)


def _texts(values: Values, path: Path) -> tuple[str, ...]:
    """Return a text, or a list of texts, as a tuple."""
    found = values.get(*path)
    return (found,) if isinstance(found, str) else tuple(item for _, item in values.items(*path))


def _tokens(values: Values, path: Path, rate: float | None) -> tuple[Token, ...]:
    """Return the tokens of a gateway; `rate` is that of tokens without one of their own."""
    found = values.get(*path)
    if isinstance(found, str):
        return (Token(name="bearer", token=found, rate=rate),)
    return tuple(_token(values, (*path, index), item, index, rate) for index, item in values.items(*path))


def _token(values: Values, path: Path, item: object, index: int, rate: float | None) -> Token:
    name = f"bearer{index + 1}"
    if isinstance(item, str):
        return Token(name=name, token=item, rate=rate)
    own_rate = values.get(*path, "rate")
    return Token(
        name=values.get(*path, "name") or name,
        token=values.get(*path, "token") or "",
        allow=_allow(values, (*path, "allow")) if "allow" in values.keys(*path) else None,
        rate=float(own_rate) if own_rate else rate,
    )


def _allow(values: Values, path: Path) -> Allow:
    def names(section: str, kind: str) -> frozenset[str]:
        known = {name: name for name in values.keys(section)}
        if kind == "queue":
            # A task without a queue makes one.
            known |= {name: name for name in values.keys("tasks")}
        return frozenset(values.references(*path, section, kind=kind, known=known))

    return Allow(
        exchanges=names("exchanges", "exchange"),
        queues=names("queues", "queue"),
        events=names("events", "event"),
        tasks=names("tasks", "task"),
    )
