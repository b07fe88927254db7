"""`ebats status FILE`: what is queued, waiting, dead and running."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from ebats.pipelines.ladder import HOPS_MS
from ebats.pipelines.load import load
from ebats.pipelines.model import Pipeline
from ebats.pipelines.topology import Topology, derive, rung_queue, written_delays_ms
from ebats.runner import state
from ebats.runner.broker.connect import masked
from ebats.runner.broker.inspect import counts
from ebats.runner.broker.reach import BrokerAway, reach
from ebats.runner.commands.say import say
from ebats.runner.sinks.people import escaped


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How a pipeline is. Names are those of the file.

    A count is None where there is no such queue yet, and all of the broker's are while it is away.
    """

    pipeline: str
    broker: str
    #: Why the broker couldn't be asked; None: it was.
    error: str | None
    #: Ready messages of each work queue.
    queues: Mapping[str, int | None]
    #: Messages waiting on each rung: `5s`, `10s.EVENT.TASK`. Rungs that the file doesn't write, for waits of
    #: any length, stand here only while something waits there.
    waiting: Mapping[str, int | None]
    dead: int | None
    suspects: int | None
    #: Tasks at this moment, in the runners of this machine; None: none of them says so.
    running: int | None
    runners: list[dict[str, Any]]


def main(
    file: str, environ: Mapping[str, str], format_: Literal["text", "json"], wait_s: float = 10.0
) -> int:
    """Print the status of a pipeline; return 0, or 1 where the broker can't be reached within `wait_s`.

    Raises:
        EbatsError: the file is bad, or the embedded broker's.
    """
    status = look(load(file, environ), wait_s)
    sys.stdout.write(_as_json(status) if format_ == "json" else _as_text(status))
    if status.error:
        sys.stderr.write(f"ebats: {status.error}\n")
        return 1
    return 0


def look(pipeline: Pipeline, wait_s: float) -> Status:
    """Ask the broker, for at most `wait_s`, and the runners of this machine."""
    topology = derive(pipeline)
    error = None
    found: dict[str, int | None] = dict.fromkeys(queue.name for queue in topology.queues)
    try:
        found = _counts(pipeline, topology, wait_s)
    except BrokerAway as away:
        error = str(away)
    runners = state.read_all(pipeline)
    hops = {rung_queue(pipeline, delay_ms) for delay_ms in {*HOPS_MS} - written_delays_ms(pipeline)}
    return Status(
        pipeline=pipeline.name,
        broker=", ".join(masked(url) for url in pipeline.broker.urls),
        error=error,
        queues={name: found[queue.broker_name] for name, queue in pipeline.queues.items()},
        waiting={
            queue.name.removeprefix(pipeline.on_broker("delay.")): found[queue.name]
            for queue in topology.of_kind("rung")
            # Those for waits of any length are many, and mostly empty.
            if queue.name not in hops or found[queue.name]
        },
        dead=found[pipeline.queue_on_broker("dead")],
        suspects=found[pipeline.queue_on_broker("suspects")],
        running=sum(runner.get("running", 0) for runner in runners) if runners else None,
        runners=runners,
    )


def _counts(pipeline: Pipeline, topology: Topology, wait_s: float) -> dict[str, int | None]:
    with reach(pipeline, wait_s, say) as connection:
        return counts(connection, (queue.name for queue in topology.queues))


def _as_json(status: Status) -> str:
    return json.dumps({field.name: getattr(status, field.name) for field in fields(status)}, indent=2) + "\n"


def _as_text(status: Status) -> str:
    missing = "unknown" if status.error else "-"
    tables: list[list[tuple[str, ...]]] = [
        [("QUEUE", "READY"), *((name, _count(ready, missing)) for name, ready in status.queues.items())],
        [
            ("RUNG", "WAITING"),
            *((_rung(name), _count(count, missing)) for name, count in status.waiting.items()),
        ],
        [
            ("PIPELINE", "TOTAL"),
            ("ready", _sum(status.queues, missing)),
            ("waiting", _sum(status.waiting, missing)),
            ("running", _count(status.running, "unknown")),
            ("dead", _count(status.dead, missing)),
            ("suspects", _count(status.suspects, missing)),
        ],
        *(_processes(runner) for runner in status.runners),
        *(table for runner in status.runners if (table := _sinks(runner))),
        *(table for runner in status.runners if (table := _alerts(runner))),
        *(table for runner in status.runners if (table := _clocks(runner))),
        *(table for runner in status.runners if (table := _hosts(runner))),
    ]
    first = max(len(row[0]) for table in tables for row in table)
    blocks = ["".join(_lines(table, first)) for table in tables]
    if troubles := [trouble for runner in status.runners for trouble in _troubles(runner)]:
        blocks.append("".join(troubles))
    return "\n".join([f"{status.pipeline}  {status.broker}\n", *blocks])


def _processes(runner: Mapping[str, Any]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [(f"RUNNER {runner.get('pid')}", "PID", "RUNNING", "IN HAND", "TAKEN")]
    for process in runner.get("processes", ()):
        numbers = (_count(process.get(key)) for key in ("running", "in_hand", "taken"))
        # A producer that has nothing more to publish has no process.
        rows.append((process["name"], str(process["pid"] or "finished"), *numbers))
    return rows


def _sinks(runner: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return how the sinks of this runner do, counted since its writer was started."""
    sinks = runner.get("sinks", {})
    columns = ["written", "waiting", "lost"]
    if any("spooled" in found for found in sinks.values()):
        columns = ["written", "sent", "waiting", "spooled", "rejected", "overflowed", "lost"]
    rows = [(name, *(_count(found.get(key)) for key in columns)) for name, found in sinks.items()]
    return [("SINK", *(column.upper() for column in columns)), *rows] if rows else []


def _troubles(runner: Mapping[str, Any]) -> Iterator[str]:
    """Yield why sinks of this runner don't get on."""
    for name, found in runner.get("sinks", {}).items():
        if error := found.get("error"):
            yield f"sink {name} of runner {runner.get('pid')} fails: {escaped(str(error))}\n"


def _alerts(runner: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return what is wrong at this moment, as this runner's rules see it."""
    alerts = runner.get("alerts", {})
    rows = [
        (
            f"{alert['id']}  {alert['rule']}  {alert['subject']}",
            alert["severity"],
            "yes" if alert["acknowledged"] else "no",
        )
        for alert in alerts.get("alerts", ())
    ]
    more = alerts.get("open", 0) - len(rows)
    rows += [(f"and {more} more", "", "")] if more else []
    return [("OPEN ALERT", "SEVERITY", "ACKNOWLEDGED"), *rows] if rows else []


def _clocks(runner: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return what the clocks of this runner tell. Of all runners' one fires; the others know less."""
    rows = [
        (
            process["producer"],
            "yes" if process["leads"] else "no",
            process["last"] or "-",
            process["next"] or "-",
        )
        for process in runner.get("processes", ())
        if "leads" in process
    ]
    return [("CLOCK", "FIRES", "LAST", "NEXT"), *rows] if rows else []


def _hosts(runner: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the hosts that callbacks of this runner have found down: each process finds out for itself."""
    rows = [
        (f"{task}  {host}  {process['name']}", f"{found['down_s']:.0f}s", _count(found["failures"]))
        for process in runner.get("processes", ())
        for task, hosts in process.get("hosts", {}).items()
        for host, found in hosts.items()
        if found["state"] == "down"
    ]
    return [("HOST THAT IS DOWN", "FOR", "FAILURES"), *rows] if rows else []


def _rung(name: str) -> str:
    """Return a rung as people read it: `5s`, `10s  order_create, close_order` for one of an event's task."""
    delay, *event_and_task = name.split(".")
    return f"{delay}  {', '.join(event_and_task)}" if event_and_task else delay


def _sum(counts_: Mapping[str, int | None], missing: str) -> str:
    known = [count for count in counts_.values() if count is not None]
    return _count(sum(known) if known else None, missing)


def _count(number: int | None, missing: str = "-") -> str:
    return missing if number is None else f"{number:,}"


def _lines(table: Sequence[tuple[str, ...]], first: int) -> Iterator[str]:
    widths = [max(8, *(len(row[column]) for row in table)) for column in range(1, len(table[0]))]
    for name, *numbers in table:
        columns = (f"  {number:>{width}}" for number, width in zip(numbers, widths, strict=True))
        yield f"{name:<{first}}{''.join(columns)}\n"
