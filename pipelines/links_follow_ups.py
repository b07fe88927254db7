"""What a schema can't say about what follows from a task: that it can be published, and comes to an end."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ebats.pipelines import rules
from ebats.pipelines.addresses import is_pattern, of_event
from ebats.pipelines.circles import circles
from ebats.pipelines.model import Pipeline
from ebats.pipelines.topics import matches
from ebats.pipelines.values import Values
from ebats.pipelines.wiring import WiredEvent, Wiring, wire

_KEYS = ("then", "on_dead")


class _Step(NamedTuple):
    """From an event to one that follows from one of its tasks."""

    event: str
    task: str
    #: `then` or `on_dead`.
    key: str
    #: What the task names.
    published: str
    #: What that is: itself, or another event that its address fits, too.
    next: str


def check(pipeline: Pipeline, values: Values) -> None:
    """Note in `values.problems` which events can't be published, and which lead to themselves."""
    wiring = wire(pipeline)
    events = wiring.events
    for task in pipeline.tasks.values():
        for key in _KEYS:
            name = getattr(task, key)
            if name in events and is_pattern(events[name]):
                listed = " or ".join(f"`{each}`" for each in events[name].keys)
                values.problem(
                    rules.NO_KEY_TO_PUBLISH,
                    ("tasks", task.name, key),
                    f"`{name}` is whatever matches {listed}, so it has no key to be published with",
                    "add a plain key to that event, or name another event",
                )
    for circle in circles([*_steps(pipeline, wiring)], lambda step: (step.event, step.next)):
        last = circle[-1]
        text = ", which leads to ".join(f"`{step.event}`, which runs `{step.task}`" for step in circle)
        text = text.replace(", which runs", " runs", 1)
        again = f"`{last.next}` again"
        if last.published != last.next:
            again += f" (what is published as `{last.published}` is that, too)"
        values.problem(
            rules.CIRCLE,
            ("tasks", last.task, last.key),
            f"{text}, which may lead to {again}, without an end",
            "name another event, or make sure that it comes to an end",
        )


def _steps(pipeline: Pipeline, wiring: Wiring) -> Iterator[_Step]:
    arrivals = _Arrivals(pipeline.name, wiring)
    for event in pipeline.events.values():
        for task in dict.fromkeys(item.task.name for item in event.tasks):
            for key in _KEYS:
                name = getattr(pipeline.tasks[task], key)
                if name in wiring.events and not is_pattern(wiring.events[name]):
                    for reached in arrivals.of(name):
                        yield _Step(event.name, task, key, name, reached)


class _Arrivals:
    """Which events a message is that is published as one: all whose exchange and key fit its address."""

    def __init__(self, pipeline: str, wiring: Wiring) -> None:
        self._pipeline = pipeline
        self._wiring = wiring
        #: By exchange and key: plain keys, which are many, aren't compared one by one.
        self._by_key: dict[tuple[str, str], list[str]] = defaultdict(list)
        #: By exchange: patterns, and the events of fanouts, which take each key.
        self._by_pattern: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for name, event in wiring.events.items():
            for key in _keys(event):
                if event.type == "direct" or not {"*", "#"} & set(key.split(".")):
                    self._by_key[event.exchange, key].append(name)
                else:
                    self._by_pattern[event.exchange].append((key, name))
        self._known: dict[str, Mapping[str, None]] = {}

    def of(self, name: str) -> Mapping[str, None]:
        """Return the events that a message is which is published as this one: itself first."""
        if name not in self._known:
            (address,) = of_event(self._pipeline, self._wiring, name, now=0.0)
            fitting = [
                other for key, other in self._by_pattern[address.exchange] if matches(key, address.key)
            ]
            exact = self._by_key[address.exchange, address.key]
            self._known[name] = dict.fromkeys([name, *exact, *fitting])
        return self._known[name]


def _keys(event: WiredEvent) -> tuple[str, ...]:
    if event.queue is not None:
        return ()
    return ("#",) if event.type == "fanout" else event.keys
