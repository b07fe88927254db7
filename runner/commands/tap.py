"""`ebats tap FILE [EVENT|QUEUE]`: copies of what passes, a line each."""

import sys
import time
from collections.abc import Mapping

from ebats.pipelines.counting import counted
from ebats.pipelines.load import load
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import EbatsError, UsageError
from ebats.pipelines.suggestion import suggest
from ebats.pipelines.topology import Binding, derive, exchange_of
from ebats.runner.broker.reach import BrokerAway, reach
from ebats.runner.broker.tap import known, tap
from ebats.runner.commands import letters, letters_json, queues
from ebats.runner.commands.dead import Format, terminal_width
from ebats.runner.commands.say import say
from ebats.runner.execution.delivery import Delivery
from ebats.runner.sinks.people import escaped

#: Of a payload, where the terminal doesn't say how wide it is.
_LONGEST = 1000


class NothingPasses(EbatsError):
    """Raised when what is named isn't bound to anything on the broker."""

    exit_code = 78


def main(
    file: str,
    environ: Mapping[str, str],
    name: str | None,
    *,
    format_: Format = "text",
    limit: int | None = None,
    wait_s: float = 10.0,
) -> int:
    """Print copies of messages as they pass, until Ctrl-C or `limit` of them; return 0.

    Raises:
        UsageError: the file has neither an event nor a queue of that name.
        NothingPasses: it isn't on the broker as the file has it.
        EbatsError: the file is bad, or the broker can't be reached.
    """
    pipeline = load(file, environ)
    bindings = _on_broker(pipeline, _bindings(pipeline, name), wait_s)
    printer = _Printer(format_, limit)
    keys = counted(len({(binding.exchange, binding.key) for binding in bindings}), "routing key")
    try:
        with reach(pipeline, wait_s, say) as connection:
            tap(
                connection,
                pipeline,
                bindings,
                printer.print,
                lambda: say("info", f"shows what passes by {keys}, until Ctrl-C"),
            )
    except KeyboardInterrupt:
        return 0
    printer.end()
    return 0


def _bindings(pipeline: Pipeline, name: str | None) -> set[Binding]:
    """Return what in the file leads to an event's tasks, or into a queue; without a name, to any task."""
    every = derive(pipeline).bindings
    if name is None:
        exchanges = {exchange_of(pipeline, event) for event in pipeline.events.values()}
        exchanges.add(pipeline.on_broker("tasks"))
        return {item for item in every if item.exchange in exchanges and not item.key.startswith("@")}
    event, queue = pipeline.events.get(name), queues.names(pipeline).get(name.removeprefix("delay."))
    if event is None and queue is None:
        names = [*pipeline.events, *queues.names(pipeline)]
        hint = suggest(name, names)
        text = f"{pipeline.file} has neither an event nor a queue {name!r}"
        raise UsageError(f"{text}; {hint}" if hint else text)
    found = {item for item in every if item.queue == queue}
    if event:
        keys = {(exchange_of(pipeline, event), key) for key in event.keys if event.queue is None}
        found |= {item for item in every if (item.exchange, item.key) in keys}
    if not found:
        raise UsageError(f"what comes to {name!r} passes no exchange of the file, and so can't be seen")
    return found


def _on_broker(pipeline: Pipeline, wanted: set[Binding], wait_s: float) -> set[Binding]:
    """Return those bindings that the broker has, too: what nobody takes must not be taken here."""
    deadline = time.monotonic() + wait_s
    topologies = known(pipeline, say, lambda: time.monotonic() >= deadline)
    if topologies is None:
        raise BrokerAway(f"gave up waiting for the broker, after {wait_s:g} s")
    found = wanted.intersection(*(topology.bindings for topology in topologies)) if topologies else set()
    if not found:
        text = f"nothing of this is on the broker as {pipeline.file} has it"
        raise NothingPasses(f"{text}; `ebats run` brings it up to date")
    if found != wanted:
        text = f"what {pipeline.name} has on the broker differs from {pipeline.file}"
        say("warning", f"{text}: only what is in both is shown")
    return found


class _Printer:
    """Writes messages, and keeps an error for later: it isn't the broker's."""

    def __init__(self, format_: Format, limit: int | None) -> None:
        self._line = _text if format_ == "text" else _json
        self._limit = limit
        self._count = 0
        self._error: OSError | None = None

    def print(self, delivery: Delivery) -> bool:
        try:
            sys.stdout.write(self._line(delivery))
            sys.stdout.flush()
        except OSError as error:
            self._error = error
            return False
        self._count += 1
        return self._limit is None or self._count < self._limit

    def end(self) -> None:
        if self._error:
            raise self._error


def _text(delivery: Delivery) -> str:
    message_id = delivery.properties.get("message_id") or "-"
    payload = " ".join(delivery.body[: 4 * _LONGEST].decode(errors="backslashreplace").split())
    cells = (delivery.exchange or "-", delivery.key, str(message_id), payload)
    time_ = letters.clock(delivery.received).partition("T")[2]
    line = "  ".join((time_, *map(escaped, cells)))
    return letters.cut(line, terminal_width(sys.stdout) or _LONGEST) + "\n"


def _json(delivery: Delivery) -> str:
    message_id = delivery.properties.get("message_id")
    return letters_json.line(
        {
            "time": letters.clock(delivery.received),
            "exchange": delivery.exchange,
            "key": delivery.key,
            "id": message_id,
            **letters_json.contents(delivery),
        }
    )
