"""The hosts of one task: how many requests each has in hand, and which are down. Pure: times are given."""

from typing import NamedTuple

import msgspec

from ebats.runner.callbacks.breaker import Breaker, Change
from ebats.runner.callbacks.crowd import Crowd

#: Payloads may name any number of hosts: more than so many aren't remembered, nor one that nobody asks for.
_FEW, _MOST, _FORGOTTEN_S = 100, 10_000, 3_600.0
_SHOWN = 50


class Place(NamedTuple):
    """A request's place at its host; given back with `Hosts.leave`."""

    host: str
    #: It finds out whether a host that is down is up again: its failure uses up no attempt.
    is_probe: bool


class Busy(NamedTuple):
    """There is no place now: the message waits."""

    wait_ms: int
    why: str
    #: The host is down; else it has all the requests that it may have.
    is_down: bool


class _Host:
    __slots__ = ("breaker", "crowd", "in_hand", "used")

    def __init__(self, breaker: Breaker | None, now: float) -> None:
        self.breaker = breaker
        self.crowd = Crowd(now)
        self.in_hand = 0
        self.used = 0.0

    @property
    def has_failed(self) -> bool:
        return self.breaker is not None and not self.breaker.is_quiet

    @property
    def is_down(self) -> bool:
        return self.breaker is not None and self.breaker.down_since is not None


class HostState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What `ebats status` shows of a host that has failed."""

    state: str
    failures: int
    #: Seconds that it has been down for.
    down_s: float | None = None
    in_hand: int = 0


class Hosts:
    """Gives each request of a task a place at its host, or says how long its message waits for one.

    A host is a name or an address with its port. Times are monotonic, in seconds.
    """

    def __init__(self, max_per_host: int, after: int | None) -> None:
        """Let a host have `max_per_host` requests; it is down `after` so many failures (None: never)."""
        self._most = max_per_host
        self._after = after
        self._hosts: dict[str, _Host] = {}
        #: With so many it is time to look which of them can be forgotten.
        self._look_at = _FEW

    def enter(self, name: str, now: float) -> Place | Busy:
        """Return a place for a request, or why there is none."""
        host = self._hosts.get(name) or self._add(name, now)
        host.used = now
        if host.in_hand >= self._most:
            why = f"{name} has {host.in_hand} requests in hand, its max_per_host"
            return Busy(host.crowd.wait_ms(now), why, False)
        answer = host.breaker.ask(now) if host.breaker else "go"
        if isinstance(answer, int):
            assert host.breaker is not None
            return Busy(answer, f"{name} is down: {host.breaker.failures} failures one after another", True)
        host.in_hand += 1
        return Place(name, answer == "probe")

    def leave(self, place: Place, failed: bool | None, now: float) -> Change | None:
        """Take a place back; return whether the host is down, or up, since now.

        `failed`: it didn't answer, or answered that it can't (5xx, 429); None: it wasn't asked to the end.
        """
        host = self._hosts[place.host]
        host.in_hand -= 1
        host.used = now
        host.crowd.served()
        breaker = host.breaker
        change = breaker.note(is_probe=place.is_probe, failed=failed, now=now) if breaker else None
        if not host.in_hand and (breaker is None or breaker.is_quiet):
            del self._hosts[place.host]
        return change

    def pause_ms(self, name: str, now: float) -> int:
        """Return how long a message waits whose probe has failed."""
        host = self._hosts.get(name)
        return host.breaker.pause_ms(now) if host and host.breaker else 1_000

    def states(self, now: float) -> dict[str, HostState]:
        """Return the hosts that have failed, those that are down first; from any thread."""
        hosts = list(self._hosts.items())
        failing = [(name, host) for name, host in hosts if host.has_failed and not _is_forgotten(host, now)]
        failing.sort(key=lambda pair: not pair[1].is_down)
        return {name: _state(host, now) for name, host in failing[:_SHOWN]}

    def _add(self, name: str, now: float) -> _Host:
        if len(self._hosts) >= self._look_at:
            for old in [old for old, host in self._hosts.items() if _is_forgotten(host, now)]:
                del self._hosts[old]
            if len(self._hosts) >= _MOST:
                unused = next((old for old, host in self._hosts.items() if not host.in_hand), None)
                if unused is not None:
                    del self._hosts[unused]
            self._look_at = min(_MOST, 2 * len(self._hosts) + _FEW)
        host = self._hosts[name] = _Host(Breaker(self._after) if self._after else None, now)
        return host


def _is_forgotten(host: _Host, now: float) -> bool:
    return not host.in_hand and now - host.used > _FORGOTTEN_S


def _state(host: _Host, now: float) -> HostState:
    breaker = host.breaker
    assert breaker is not None
    since = breaker.down_since
    return HostState(
        state="up" if since is None else "down",
        failures=breaker.failures,
        down_s=None if since is None else round(max(0.0, now - since), 1),
        in_hand=host.in_hand,
    )
