"""`ebats plan FILE` and `ebats apply FILE`: what a start would change, and the change without running."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping

from ebats.pipelines.counting import counted
from ebats.pipelines.load import load
from ebats.pipelines.model import Pipeline
from ebats.pipelines.topology import Binding
from ebats.runner.broker import declare
from ebats.runner.broker.connect import masked
from ebats.runner.broker.mismatch import TopologyProblems
from ebats.runner.broker.reach import BrokerAway
from ebats.runner.broker.survey import Survey, survey
from ebats.runner.commands.say import say

#: What comes back from a rung that left the file goes where the file wants it then.
_RUNG = "each goes where the file wants it when its wait ends"
_MOVED = "they move to where the file wants them; what is for something that is gone becomes a dead letter"


def plan(file: str, environ: Mapping[str, str], format_: str, *, detailed: bool, wait_s: float) -> int:
    """Print what a start would change; return 0, or with `detailed` 2 where there is something.

    Raises:
        EbatsError: the file is bad, or the broker can't be reached.
    """
    pipeline = load(file, environ)
    found = _survey(pipeline, wait_s)
    sys.stdout.write(_json(pipeline, found) if format_ == "json" else _text(pipeline, found))
    return 2 if detailed and found.differs else 0


def apply(file: str, environ: Mapping[str, str], *, wait_s: float) -> int:
    """Make the broker match the file, and print what was done; return 0.

    Raises:
        TopologyProblems: something exists with other arguments.
        EbatsError: the file is bad, or the broker can't be reached.
    """
    pipeline = load(file, environ)
    found = _survey(pipeline, wait_s)
    if found.clashes:
        raise TopologyProblems(found.clashes)
    if found.differs:
        sys.stdout.write(_text(pipeline, found))
        sys.stdout.flush()
    begun = time.monotonic()
    # Only the way to the broker has an end: messages take as long as they take to move.
    if declare.apply(pipeline, say, _patience(wait_s)) is None:
        raise BrokerAway(f"gave up waiting, after {wait_s:g} s; say it again, and it goes on where it ended")
    done = "applied" if found.differs else f"{pipeline.name}: the broker matches the file"
    sys.stdout.write(f"{done} in {time.monotonic() - begun:.1f} s\n" if found.differs else f"{done}\n")
    return 0


def _survey(pipeline: Pipeline, wait_s: float) -> Survey:
    found = survey(pipeline, say, _patience(wait_s))
    if found is None:
        raise BrokerAway(f"gave up waiting for the broker, or for who is changing it, after {wait_s:g} s")
    return found


def _patience(wait_s: float) -> Callable[[], bool]:
    deadline = time.monotonic() + wait_s
    return lambda: time.monotonic() > deadline


def _text(pipeline: Pipeline, found: Survey) -> str:
    if not found.differs:
        return f"{pipeline.name}: the broker matches the file\n"
    lines = [f"  {mark} {what:<9} {text}" for mark, what, text in _lines(pipeline, found)]
    title = f"{pipeline.name}  {', '.join(masked(url) for url in pipeline.broker.urls)}"
    clashes = [f"\n{text}" for text in found.clashes]
    return "\n".join([title, "", *lines, *clashes, "", _sum(found), ""])


def _lines(pipeline: Pipeline, found: Survey) -> Iterator[tuple[str, str, str]]:
    for exchange in found.exchanges:
        if not exchange.name.startswith(pipeline.on_broker("delay.")):
            yield "+", "exchange", f"{exchange.name} ({exchange.type})"
    rungs = 0
    for queue in found.queues:
        if queue.kind == "rung":
            rungs += 1
        if queue.kind != "rung" or not found.is_first:
            yield "+", "rung" if queue.kind == "rung" else "queue", queue.name
    if found.is_first:
        yield "+", "rungs", f"{rungs}, for the file's delays and for waits of any length"
        yield "+", "bindings", str(len(found.bound))
    else:
        yield from (("+", "binding", _binding(each)) for each in found.bound)
    yield from (("-", "binding", _binding(each)) for each in found.change.unbound)
    yield from _names(found)
    yield from _messages(found)


def _binding(binding: Binding) -> str:
    key = f" {binding.key}" if binding.key else ""
    return f"{binding.exchange}{key} -> {binding.queue}"


def _names(found: Survey) -> Iterator[tuple[str, str, str]]:
    change = found.change
    new, last = change.new.wiring, change.new.former.wirings[:1] if _changed(found) else ()
    for wiring in last:
        for kind, names, living, now in (
            ("task", wiring.tasks, new.tasks, change.moves.task),
            ("event", wiring.events, new.events, change.moves.event),
        ):
            for name in names:
                if name in living:
                    continue
                successor = now(name)
                gone = "is gone; what had begun becomes a dead letter" if kind == "task" else "is gone"
                fate = f"is {successor} now" if successor else gone
                yield "~" if successor else "-", kind, f"{name} {fate}"


def _changed(found: Survey) -> bool:
    return any(old.wiring != found.change.new.wiring for old in found.change.olds)


def _messages(found: Survey) -> Iterator[tuple[str, str, str]]:
    change, ready = found.change, found.ready
    for name, kind in change.new.former.queues.items():
        if name not in ready:
            continue
        # What a clock remembers goes with its queue.
        waits, is_rung = 0 if kind == "ticks" else ready[name], kind == "rung"
        fate = _RUNG if is_rung else _MOVED if kind in ("work", "intake") else "they move as they are"
        text = f"{name} has left the file"
        yield "-", "rung" if is_rung else "queue", f"{text}; {_waiting(waits)}: {fate}" if waits else text
    for name in change.converted:
        if number := ready.get(name):
            yield "~", "queue", f"{name}: {_waiting(number)}, some for other tasks now: they move"
    for waiting in change.extended:
        if number := ready.get(waiting.queue):
            text = f"{_waiting(number)}: the tasks that came to {waiting.event} get copies"
            yield "~", "rung", f"{waiting.queue}: {text}"


def _waiting(number: int) -> str:
    return f"{counted(number, 'message')} {'waits' if number == 1 else 'wait'} there"


def _sum(found: Survey) -> str:
    if found.clashes:
        number = len(found.clashes)
        clashes = "1 clash" if number == 1 else f"{number} clashes"
        return f"{clashes}: a start would change nothing, and end with 78"
    made = len(found.exchanges) + len(found.queues)
    parts = (
        f"{made} to make",
        f"{counted(len(found.bound), 'binding')} more, {len(found.change.unbound)} less",
        f"{counted(sum(found.left.values()), 'message')} to move" if found.left else "",
    )
    end = "; `ebats prune` deletes what has left the file" if found.change.new.former.queues else ""
    return f"{', '.join(part for part in parts if part)}; nothing is deleted{end}"


def _json(pipeline: Pipeline, found: Survey) -> str:
    change = found.change
    data = {
        "pipeline": pipeline.name,
        "differs": found.differs,
        "first": found.is_first,
        "make": {
            "exchanges": [each.name for each in found.exchanges],
            "queues": [each.name for each in found.queues],
            "bindings": [each._asdict() for each in found.bound],
        },
        "unbind": [each._asdict() for each in change.unbound],
        "left": [
            {"queue": name, "kind": kind, "ready": found.ready[name]}
            for name, kind in change.new.former.queues.items()
            if name in found.ready
        ],
        "changed": [
            {"queue": name, "ready": found.ready.get(name, 0)}
            for name in (*change.converted, *(waiting.queue for waiting in change.extended))
        ],
        "names": [{"change": mark, "kind": kind, "text": text} for mark, kind, text in _names(found)],
        "clashes": [str(each) for each in found.clashes],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
