"""`ebats run FILE`: the file's processes, until a signal or the end of all work."""

import sys
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ebats.pipelines.former import NEVER_CHANGED, Former
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import UsageError
from ebats.pipelines.topology import derive
from ebats.runner import ports
from ebats.runner.broker import declare, present
from ebats.runner.broker.inspect import Inspector
from ebats.runner.broker.standstill import Standstill
from ebats.runner.commands.clocks import examine
from ebats.runner.commands.meant import without_meant
from ebats.runner.commands.problems import render, wants_colour
from ebats.runner.idle import Idle
from ebats.runner.state import StateFile
from ebats.runner.supervisor import Supervisor


def main(
    file: str, environ: Mapping[str, str], only: Collection[str], *, until_idle: bool, fail_on_dead: bool
) -> int:
    """Run a pipeline; return 0, or 1 where it failed, or made dead letters and `fail_on_dead` is set.

    Raises:
        EbatsError: the file is bad, the broker doesn't fit, or a process dies again and again.
    """
    loaded = examine(file, environ)
    sys.stderr.write(render(without_meant(loaded.warnings), colour=wants_colour(sys.stderr, environ)))
    pipeline = loaded.pipeline
    _check_only(pipeline, only)
    ports.check(pipeline, only)
    supervisor = Supervisor(pipeline, only)
    try:
        return _run(pipeline, supervisor, only, until_idle=until_idle, fail_on_dead=fail_on_dead)
    except BaseException:
        supervisor.stop()
        raise


def _run(
    pipeline: Pipeline, supervisor: Supervisor, only: Collection[str], *, until_idle: bool, fail_on_dead: bool
) -> int:
    supervisor.prepare()
    supervisor.try_entry_points()
    if supervisor.stopping():
        return 0 if supervisor.stop() else 1
    broker = Inspector(pipeline.broker, supervisor.say, supervisor.stopping)
    former = _make_ready(pipeline, supervisor)
    if former is None:
        return 0 if supervisor.stop() else 1
    topology = derive(pipeline)
    dead, suspects = pipeline.queue_on_broker("dead"), pipeline.queue_on_broker("suspects")
    before = broker.counts([dead, suspects])
    watch = Idle(topology, _queues(pipeline, only), broker.counts, former) if until_idle else None
    broker.close()
    state, standstill = StateFile(pipeline), Standstill(pipeline.broker, supervisor.say)

    def on_state(found: dict[str, Any]) -> None:
        state.write(found)
        standstill.look()

    supervisor.go(former, with_lane=bool(before[suspects]))
    try:
        supervisor.run(watch, on_state)
    finally:
        clean = supervisor.stop()
        state.remove()
    if fail_on_dead and _made_dead_letters(supervisor, broker, dead, before[dead] or 0):
        sys.stderr.write("ebats: this run made dead letters; `ebats status` counts them\n")
        return 1
    return 0 if clean else 1


def _make_ready(pipeline: Pipeline, supervisor: Supervisor) -> Former | None:
    """Make the broker ready for a run, and return what left the file; None: the run is to end."""
    if pipeline.broker.declare == "never":
        is_ready = present.check(pipeline, supervisor.say, supervisor.stopping)
        return NEVER_CHANGED if is_ready else None
    return declare.apply(pipeline, supervisor.say, supervisor.stopping)


def _check_only(pipeline: Pipeline, only: Collection[str]) -> None:
    known = dict.fromkeys([*pipeline.consumers, *pipeline.producers])
    for name in only:
        if name not in known:
            kinds = "consumer or producer" if pipeline.producers else "consumer"
            raise UsageError(f"there is no {kinds} {name!r}; the file has {', '.join(known)}")


def _queues(pipeline: Pipeline, only: Collection[str]) -> Iterable[str]:
    consumers = [consumer for consumer in pipeline.consumers.values() if not only or consumer.name in only]
    return dict.fromkeys(queue.broker_name for consumer in consumers for queue in consumer.queues)


def _made_dead_letters(supervisor: Supervisor, broker: Inspector, dead: str, before: int) -> bool:
    counted = sum(status.get("dead", 0) for status in supervisor.statuses())
    # The broker writes some itself: what it couldn't route, for instance.
    return counted > 0 or (broker.counts([dead])[dead] or 0) > before
