"""What a program's names mean: the addresses of events and tasks, and what their bodies have to be."""

from collections.abc import Callable
from typing import Protocol

from ebats.pipelines import addresses
from ebats.pipelines.addresses import LONGEST_KEY, Address, Unaddressable
from ebats.pipelines.model import Format
from ebats.pipelines.wiring import Wiring


class Names(Protocol):
    """Looks names up. Both raise Unaddressable (a ValueError) for what there is no address for."""

    @property
    def may_ask(self) -> bool: ...

    def event(
        self, name: str, now: float, delay_s: float, queue: str | None, key: str | None
    ) -> tuple[Address, ...]: ...

    def task(self, name: str, now: float, delay_s: float, queue: str | None) -> Address: ...

    def format_of(self, event: str) -> Format | None: ...


class ByFile:
    """Names of a file: all are checked against it."""

    #: Whether the broker may be asked, which takes time.
    may_ask = False

    def __init__(self, pipeline: str, wiring: Wiring) -> None:
        """Look up in the wiring of the pipeline of this name."""
        self._pipeline = pipeline
        self._wiring = wiring
        #: Of events as they are declared: where nearly all go.
        self._plain: dict[str, tuple[Address, ...]] = {}

    def event(
        self, name: str, now: float, delay_s: float, queue: str | None, key: str | None
    ) -> tuple[Address, ...]:
        """Return where an event goes: one address, or one for each of its tasks."""
        if delay_s > 0 or queue is not None or key is not None or not isinstance(name, str):
            return self._event(name, now, delay_s, queue, key)
        if (found := self._plain.get(name)) is None:
            found = self._plain[name] = self._event(name, now, 0.0, None, None)
        return found

    def _event(
        self, name: str, now: float, delay_s: float, queue: str | None, key: str | None
    ) -> tuple[Address, ...]:
        return addresses.of_event(
            self._pipeline, self._wiring, name, now=now, delay_s=delay_s, queue=queue, key=key
        )

    def task(self, name: str, now: float, delay_s: float, queue: str | None) -> Address:
        """Return where a message for a task goes."""
        return addresses.of_task(self._pipeline, self._wiring, name, now=now, delay_s=delay_s, queue=queue)

    def format_of(self, event: str) -> Format | None:
        """Return what the bodies of an event, which is there, have to be."""
        format_: Format = self._wiring.events[event].format  # type: ignore[assignment]
        return format_


class ByUrl:
    """Names that nobody has checked: events are routing keys on `NAME.events`.

    What the publisher has to hand to tasks itself, for a delay or a chosen queue, is looked up.
    """

    #: See `ByFile`.
    may_ask = True

    def __init__(self, pipeline: str, wiring: Callable[[], Wiring]) -> None:
        """Publish to the pipeline of this name; `wiring` asks the broker for what is in its file."""
        self._pipeline = pipeline
        self._wiring = wiring

    def event(
        self, name: str, now: float, delay_s: float, queue: str | None, key: str | None
    ) -> tuple[Address, ...]:
        """Return where an event goes: one address, or one for each of its tasks."""
        if delay_s > 0 or queue is not None or key is not None:
            return ByFile(self._pipeline, self._wiring()).event(name, now, delay_s, queue, key)
        return (Address(exchange=f"{self._pipeline}.events", key=_key(name)),)

    def task(self, name: str, now: float, delay_s: float, queue: str | None) -> Address:
        """Return where a message for a task goes."""
        if delay_s > 0 or queue is not None:
            return ByFile(self._pipeline, self._wiring()).task(name, now, delay_s, queue)
        return Address(exchange=f"{self._pipeline}.tasks", key=_key(name))

    def format_of(self, event: str) -> Format | None:  # noqa: ARG002 - one of Names
        """Return None: the payload's type says it."""
        return None


def _key(name: str) -> str:
    if not isinstance(name, str) or not 0 < len(name.encode(errors="replace")) <= LONGEST_KEY:
        raise Unaddressable(f"a name has 1 to {LONGEST_KEY} bytes, unlike {name!r:.60}")
    return name
