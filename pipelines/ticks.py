"""The ticks of a producer: when they are, which of them are due, and what is remembered of them."""

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from ebats.pipelines import cron
from ebats.pipelines.producer import Missed
from ebats.pipelines.template import Template, parse

#: Ticks that come later than this were missed: a pause, and not merely a change of leaders. RabbitMQ needs
#: two to three heartbeats until it gives up a connection whose other end is silent.
LATE_MS = 120_000
_LATE_HEARTBEATS = 4
_SHORTEST_MS = 100
#: More ticks of one pause aren't made up for.
MOST_MISSED = 1_000
#: So far ahead the last tick can't be because somebody set the clock right: it was another time altogether.
_AHEAD_MS = 86_400_000
#: The year 9000: beyond it, Python's times end soon.
_END_MS = 221_845_392_000_000
#: Runs whose start is remembered.
_MOST_STARTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a producer ticks, apart from its starts; the same on each machine. All times are Unix ms."""

    cron: str | None = None
    #: Multiples of this since 1970, so that all machines have the same.
    every_ms: int | None = None
    #: An IANA name: that of the cron line's hours.
    zone: str = "UTC"

    def after(self, moment_ms: int) -> int | None:
        """Return the next tick after a moment; None: there is none."""
        if self.every_ms:
            return (moment_ms // self.every_ms + 1) * self.every_ms
        return cron.after(self.cron, self.zone, moment_ms) if self.cron else None

    def last(self, after_ms: int, until_ms: int, most: int) -> tuple[int, ...]:
        """Return the last `most` ticks after one moment and up to another, oldest first."""
        if self.every_ms:
            after_ms = max(after_ms, until_ms - most * self.every_ms)
            return tuple(self._between(after_ms, until_ms))
        found: tuple[int, ...] = ()
        # A cron line can't be asked backwards with the same answers, and ten years of it take long.
        back_ms = 60_000 * most
        while len(found) < most:
            begin_ms = max(after_ms, until_ms - back_ms)
            found = tuple(deque(self._between(begin_ms, until_ms), maxlen=most))
            if begin_ms == after_ms:
                break
            back_ms *= 8
        return found

    def __str__(self) -> str:
        """Return what shows that a schedule has changed."""
        return (
            f"every {self.every_ms} ms" if self.every_ms else f"{self.cron} {self.zone}" if self.cron else ""
        )

    def _between(self, after_ms: int, until_ms: int) -> Iterator[int]:
        tick_ms = self.after(after_ms)
        while tick_ms is not None and tick_ms <= until_ms:
            yield tick_ms
            tick_ms = self.after(tick_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is kept on the broker of a producer's ticks, for whoever fires the next one."""

    #: All ticks up to this moment are fired, or let go; Unix ms, as all here.
    dealt_ms: int
    #: The last that was fired.
    last_ms: int | None = None
    #: As it was then: see `Schedule.__str__`.
    schedule: str
    #: When runs began whose `at_start` is dealt with, latest last.
    starts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What is to be done at a moment: which ticks are fired, and what is let go."""

    fire: tuple[int, ...] = ()
    #: After these are fired, all up to here are dealt with.
    dealt_ms: int
    #: There was a pause: when the first tick in it was.
    missed_ms: int | None = None
    #: More were missed than are made up for.
    too_many: bool = False


def late_ms(heartbeat_s: float) -> int:
    """Return how late a tick may be that wasn't missed, on a broker with this heartbeat."""
    return max(LATE_MS, round(_LATE_HEARTBEATS * heartbeat_s * 1000))


def due(schedule: Schedule, missed: Missed, dealt_ms: int, now_ms: int, late_ms: int = LATE_MS) -> Due:
    """Return what is to be done now, when all ticks up to `dealt_ms` are dealt with.

    Ticks that are at most `late_ms` late are fired. Where the first of them is later, there was a pause, and
    all that fell into it were missed.
    """
    first_ms = schedule.after(dealt_ms)
    if first_ms is None or first_ms > now_ms:
        return Due(dealt_ms=dealt_ms)
    if now_ms - first_ms <= late_ms:
        fire = schedule.last(dealt_ms, now_ms, late_ms // _SHORTEST_MS + 1)
        return Due(fire=fire, dealt_ms=fire[-1])
    # One more than are fired shows whether there are more.
    found = schedule.last(dealt_ms, now_ms, MOST_MISSED + 1 if missed == "all" else 1)
    fire = () if missed == "skip" else found[-MOST_MISSED:]
    return Due(fire=fire, dealt_ms=found[-1], missed_ms=first_ms, too_many=len(found) > MOST_MISSED)


def begin(memory: Memory | None, schedule: Schedule, now_ms: int) -> Memory:
    """Return where to go on from: what is remembered, or now.

    It is now where nothing was ever fired, where the schedule has changed (what it says of the time before
    was never due), and where the clock was wrong by more than a day when the last tick was fired.
    """
    if memory is None:
        return Memory(dealt_ms=now_ms, schedule=str(schedule))
    if memory.schedule == str(schedule) and not is_ahead(memory, now_ms):
        return memory
    return Memory(dealt_ms=now_ms, last_ms=memory.last_ms, schedule=str(schedule), starts=memory.starts)


def started(memory: Memory, began_ms: int) -> Memory:
    """Return what is remembered when the start of a run is dealt with; the oldest starts are forgotten."""
    return replace(memory, starts=(*memory.starts, began_ms)[-_MOST_STARTS:])


def is_ahead(memory: Memory, now_ms: int) -> bool:
    """Return whether what was dealt with lies so far in the future that the clock was wrong then."""
    return memory.dealt_ms - now_ms > _AHEAD_MS


def later(memories: Iterable[Memory]) -> Memory | None:
    """Return the one that counts: a crash amidst a change leaves two. None: there is none."""
    return max(
        memories, key=lambda memory: (memory.dealt_ms, len(memory.starts), memory.starts), default=None
    )


def to_json(memory: Memory) -> str:
    """Return what is remembered as the JSON that is kept on the broker."""
    return json.dumps(
        {
            "version": 1,
            "dealt": memory.dealt_ms,
            "last": memory.last_ms,
            "schedule": memory.schedule,
            "starts": memory.starts,
        }
    )


def from_json(text: str | bytes) -> Memory:
    """Return what `to_json` wrote.

    Raises:
        ValueError: the text is none of ours, or of a version that isn't known here.
    """
    try:
        data: Any = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if not isinstance(data, dict) or data.get("version") != 1:
        raise ValueError("it was written by another version of ebats, or somebody else")
    try:
        last = data["last"]
        return Memory(
            dealt_ms=_moment(data["dealt"]),
            last_ms=None if last is None else _moment(last),
            schedule=str(data["schedule"]),
            starts=tuple(_moment(start) for start in data["starts"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"it lacks what belongs there: {type(error).__name__}: {error}") from None


def _moment(value: Any) -> int:
    moment_ms = int(value)
    if not 0 <= moment_ms < _END_MS:
        raise ValueError(f"there is no time {moment_ms:.4g}")
    return moment_ms


def message_id(pipeline: str, producer: str, tick_ms: int, *, is_start: bool = False) -> str:
    """Return the id of a tick's message: the same from each machine, and each time it is published.

    `shop-nightly-2026-11-22T19:00:00Z`, or `shop-boot-start-...`. In it a fraction of a second stands behind
    a comma, for ids with a dot can't be signed as webhooks are (https://www.standardwebhooks.com).
    """
    time = written(tick_ms, "UTC").replace("+00:00", "Z").replace(".", ",")
    return f"{pipeline}-{producer}-{'start-' if is_start else ''}{time}"


def written(tick_ms: int, zone: str) -> str:
    """Return a tick as RFC 3339 has it, with the zone's offset: `2026-11-23T03:00:00+08:00`."""
    return cron.moment(tick_ms, zone).isoformat(timespec="milliseconds" if tick_ms % 1000 else "seconds")


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload in which `{{ tick }}` is filled in."""

    value: Any
    templates: dict[str, Template] = field(default_factory=dict)

    def at(self, tick: str) -> Any:
        """Return the payload of a tick."""
        return _filled(self.value, self.templates, {"tick": tick})


def payload(text: str) -> Payload:
    """Return a payload from its JSON text.

    Raises:
        ValueError: a text in it is no template, or has another field than `tick`.
    """
    value = json.loads(text)
    templates = {each: found for each in _texts(value) if (found := template(each)).fields}
    return Payload(value, templates)


def template(text: str) -> Template:
    """Return the template that a text of a payload is.

    Raises:
        ValueError: it is none, or has another field than `tick`.
    """
    if "{{" not in text and "}}" not in text:
        return Template((text,), ())
    try:
        found = parse(text)
    except ValueError:
        raise ValueError("the time of the tick is written {{ tick }}") from None
    for steps in found.fields:
        if steps != ("tick",):
            name = ".".join(steps)
            raise ValueError(f"there is no {{{{ {name} }}}} here: a clock fills in {{{{ tick }}}} alone")
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _filled(value: Any, templates: dict[str, Template], fields: dict[str, str]) -> Any:
    if isinstance(value, str):
        found = templates.get(value)
        return found.render(fields) if found else value
    if isinstance(value, dict):
        return {key: _filled(item, templates, fields) for key, item in value.items()}
    return [_filled(item, templates, fields) for item in value] if isinstance(value, list) else value
