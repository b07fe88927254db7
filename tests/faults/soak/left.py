"""What a soak leaves: dead letters, ticks without a gap, empty queues, and nothing else."""

import json
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from itertools import pairwise

from ebats.pipelines.load import load
from ebats.pipelines.topology import derive
from ebats.runner.broker.inspect import counts
from tests.faults.site import Letter
from tests.faults.soak.world import World
from tests.integration.wire import Wire
from tests.waiting import wait_until

#: What lies in these belongs there: what was declared last, and what a clock has dealt with.
_KEPT = ("topology", "ticks.clock")


def dead(world: World) -> list[str]:
    """Take the dead letters; return the runs that they are of."""
    return [_run(letter) for letter in world.site.take("dead")]


def check_ticks(world: World) -> None:
    """Check that the clock missed no second; what was handed back at the end has been published, too."""
    waiting = [json.loads(letter.body) for letter in world.site.take("tick")]
    ran = [line.split()[0] for line in world.ledger.counts("ticks")]
    times = sorted({datetime.fromisoformat(tick) for tick in (*ran, *waiting)})
    gaps = [(first, second) for first, second in pairwise(times) if (second - first).total_seconds() != 1]
    assert not gaps, f"ticks are missing between {gaps}"
    assert times, "the clock did nothing"


def check_nothing_left(world: World) -> None:
    """Check that the queues are empty, that there are no others, and that no run has shown a traceback."""
    declared = [queue.name for queue in derive(load(str(world.site.file), {})).queues]
    ours = {f"{world.site.name}.{name}" for name in _KEPT}
    more = [name for name in _there(world) if name not in {*declared, *ours}]
    assert not more, f"queues that are not in the file: {more}"
    emptied = [name for name in declared if name not in ours]
    wait_until(lambda: not _filled(world, emptied), 10, lambda: f"left in queues: {_filled(world, emptied)}")
    output = "".join(command.output for command in world.runs)
    assert "Traceback" not in output, output[-6000:]


def _filled(world: World, names: Iterable[str]) -> dict[str, int | None]:
    with closing(Wire(world.site.url)) as wire:
        return {name: count for name, count in counts(wire.connection, names).items() if count != 0}


def _there(world: World) -> list[str]:
    if world.node:
        return world.node.list_queues()
    with closing(Wire(world.site.url)) as wire:
        return [name for (name,) in wire.connection.connection.store.read("SELECT name FROM queue")]


def _run(letter: Letter) -> str:
    try:
        return f"{letter.n}/{letter.headers['ebats-task']}"
    except (KeyError, TypeError, ValueError):
        return f"{letter.body!r} {letter.headers}"
