"""Producers as frozen values: what publishes by itself."""

from dataclasses import dataclass, field
from typing import Literal

from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.problems import Place

#: What becomes of the ticks of a time in which nothing ran.
Missed = Literal["skip", "once", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """What a token may publish to, by the names of the file."""

    exchanges: frozenset[str] = frozenset()
    queues: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    tasks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token of a gateway."""

    #: Whose it is, for the log.
    name: str
    #: The secret.
    token: str = field(repr=False)
    #: None: everything.
    allow: Allow | None = None
    #: Requests a second; None: any number.
    rate: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpProducer:
    """A gateway: an HTTP service that takes messages."""

    name: str
    #: A host name or an address, an IPv6 one without brackets.
    host: str
    port: int
    #: Whoever has one of these may publish.
    tokens: tuple[Token, ...] = ()
    #: Or whoever signs with one of these (Standard Webhooks).
    secrets: tuple[str, ...] = field(default=(), repr=False)
    #: Everybody may, at any address.
    insecure: bool = False
    #: In the header Host, besides the address itself and this machine's own names.
    hosts: tuple[str, ...] = ()
    #: In bytes.
    max_body: int
    max_item: int
    #: How deep JSON may be nested.
    depth: int
    header_timeout_s: float
    idle_timeout_s: float
    max_connections: int
    #: Requests a second of everybody together, where there are no tokens; None: any number.
    rate: float | None = None
    #: That share the port.
    processes: int = 1
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TickProducer:
    """A clock: publishes an event, or a task's message, at each of its ticks."""

    name: str
    #: A line of a crontab.
    cron: str | None = None
    #: From one tick to the next.
    every_ms: int | None = None
    #: Also, or only, when the pipeline starts.
    at_start: bool = False
    #: Of the cron line, an IANA name.
    timezone: str
    #: One of the two.
    event: str | None = None
    task: str | None = None
    #: As JSON; texts in it may be templates of the tick.
    payload: str
    missed: Missed = "once"
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonProducer:
    """A Python function that yields what is published."""

    name: str
    python: EntryPoint
    #: None: it yields pairs of an event and its payload.
    event: str | None = None
    place: Place = field(compare=False)


Producer = HttpProducer | TickProducer | PythonProducer
