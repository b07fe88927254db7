"""A pipeline with one clock: written, run, and what became of its ticks."""

import json
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from itertools import pairwise
from typing import Any

from ebats.pipelines import ticks
from ebats.pipelines.ticks import Memory, Schedule
from tests.commands import RunningCommand
from tests.faults.site import Site
from tests.integration.wire import Wire
from tests.waiting import wait_until

HOUR_MS = 3_600_000


def write(site: Site, broker: Mapping[str, Any] | None = None, name: str = "clock", **clock: Any) -> None:
    """Write a file with one clock, whose ticks are noted."""
    site.write(
        **({"broker": broker} if broker else {}),
        tasks={"collect": {"python": "tasks:collect"}},
        events={"ticked": {"tasks": ["collect"]}},
        producers={name: {"payload": "{{ tick }}", "event": "ticked", **clock}},
    )


def hourly() -> tuple[str, int]:
    """Return a cron line of one tick an hour, none of which is near, and the last of them in Unix ms."""
    now_ms = time.time_ns() // 1_000_000
    minute = (now_ms // 60_000 + 30) % 60
    first_ms = minute * 60_000
    return f"{minute} * * * *", (now_ms - first_ms) // HOUR_MS * HOUR_MS + first_ms


def launch(site: Site) -> RunningCommand:
    """Start a runner, and return when its clock has found its place."""
    command = site.launch()
    wait_until(lambda: "fires the ticks" in command.output, 40, lambda: command.output[-4000:])
    return command


def leads(command: RunningCommand) -> int:
    """Return how often a runner's clock has become the one that fires."""
    return command.output.count("clock#1  fires the ticks")


def ticked(site: Site) -> list[str]:
    """Return the ticks of which a message came, in the order in which they came."""
    return [run["payload"] for run in site.oracle.started()]


def wait_ticks(site: Site, count: int, deadline_s: float = 40) -> None:
    """Wait until so many different ticks have come."""
    wait_until(lambda: len({*ticked(site)}) >= count, deadline_s, lambda: str(ticked(site)), every_s=0.1)


def check_gapless(site: Site, every_ms: int) -> Counter[str]:
    """Check that no tick of a run that has ended is missing, and each has one id; return how often each ran.

    What was handed back when the run ended wasn't run, and isn't missing: after a pause many ticks come at
    once, in any order.
    """
    ran = [(run["payload"], run["id"]) for run in site.oracle.started()]
    waiting = [(json.loads(left.body), left.properties["message_id"]) for left in site.take("collect")]
    times = sorted({at_ms(tick) for tick, _ in (*ran, *waiting)})
    assert {second - first for first, second in pairwise(times)} <= {every_ms}, times
    for tick, id_ in (*ran, *waiting):
        assert id_ == ticks.message_id(site.name, "clock", at_ms(tick))
    return Counter(id_ for _, id_ in ran)


def at_ms(written: str) -> int:
    """Return a written tick as Unix milliseconds."""
    return round(datetime.fromisoformat(written).timestamp() * 1000)


def remember(site: Site, dealt_ms: int, **schedule: Any) -> None:
    """Put what a runner kept, when it stopped, into the queue for it."""
    site.declare()
    memory = Memory(dealt_ms=dealt_ms, last_ms=dealt_ms, schedule=str(Schedule(**schedule)))
    with closing(Wire(site.url)) as wire:
        wire.send(f"{site.name}.ticks.clock", ticks.to_json(memory))
