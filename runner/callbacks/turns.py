"""Which requests of a message have their turn, and what becomes of those that haven't."""

import time
from collections.abc import Callable, Sequence

from ebats.pipelines.http_task import Breaker
from ebats.pipelines.ladder import format_duration
from ebats.runner.callbacks.hosts import Busy, Hosts, HostState, Place
from ebats.runner.execution.outcome import Failed, Postponed
from ebats.runner.execution.record import RequestNote

#: Level and text of a line of the log.
Say = Callable[[str, str], None]


class Turns:
    """Gives the requests of one task their turns, and says when a host goes down and comes back."""

    def __init__(self, task: str, max_per_host: int, breaker: Breaker | None, say: Say) -> None:
        """Let a host have `max_per_host` requests at once, and none while the breaker holds it for down."""
        self._task = task
        self._breaker = breaker
        self._hosts = Hosts(max_per_host, breaker.after if breaker else None)
        self._say = say

    def take(self, host: str) -> Place | Busy:
        """Return a place for a request to a host, a name with its port, or why its message has to wait."""
        return self._hosts.enter(host, time.monotonic())

    def give(self, place: Place, failed: bool | None) -> Busy | None:
        """Take a place back; `failed` as in `Hosts.leave`.

        Return how long the message waits, uncounted, where this was a probe that failed.
        """
        now = time.monotonic()
        change = self._hosts.leave(place, failed, now)
        if change == "down" and self._breaker:
            times = f"{self._breaker.after} failures one after another"
            self._say("warning", f"{self._task}: {place.host} is down: {times}; its messages wait, uncounted")
        elif change == "up":
            self._say("info", f"{self._task}: {place.host} is up again")
        if not (failed and place.is_probe):
            return None
        return Busy(self._hosts.pause_ms(place.host, now), f"{place.host} is down: a probe failed", True)

    def wait(
        self,
        busy: Sequence[Busy],
        since: float | None,
        done: tuple[int, ...] = (),
        requests: tuple[RequestNote, ...] = (),
    ) -> Postponed | Failed:
        """Return what follows where nothing failed, but some requests (one at least) haven't had their turn.

        `since` is when the breaker first made the message wait, a Unix time; `done` and `requests` as in
        `Postponed`.
        """
        why = "; ".join(dict.fromkeys(one.why for one in busy))
        if any(one.is_down for one in busy) and self._breaker:
            now = time.time()
            since = now if since is None else min(since, now)
            if now - since > self._breaker.max_age_s:
                limit = format_duration(round(self._breaker.max_age_s * 1000))
                text = f"{why}, and the message has waited for longer than max_age, {limit}"
                return Failed("expired", "Expired", text, done=done, requests=requests)
        wait_ms = min(one.wait_ms for one in busy)
        return Postponed(wait_ms, why, done, since, requests)

    def states(self) -> dict[str, HostState]:
        """Return what `ebats status` shows of the task's hosts."""
        return self._hosts.states(time.monotonic())
