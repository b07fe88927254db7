"""Random small pipelines, and what is published to them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from ebats.pipelines.cases import Answer, CaseMessage
from tests.unit.rehearsal.played import PLACE

#: Short, for they are waited for.
RUNGS = ("50ms", "80ms", "120ms")
ACTING = "tests.integration.rehearsal.acting"
SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
BODIES = (
    # Most of them are as they should be.
    *(b'{"n": 1}', b'{"n": 2}', b'{"n": 3}', b'{"n": 4}', b'{"n": 5, "more": [1.5, null]}', b'{"n": "one"}'),
    *(b"{}", b"[1]", b"no JSON", b'"\xff"'),
)
#: Waits of `Retry(after=)`, ms.
AFTER_MS = st.sampled_from([None, 0, 90])


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A pipeline's sections, how its tasks end, and the messages of a case."""

    sections: Mapping[str, Any]
    plan: Mapping[str, tuple[Answer, ...]]
    publishes: Mapping[str, tuple[str, Mapping[str, object]]]
    #: Tasks whose functions are called in the rehearsal too.
    real: frozenset[str]
    messages: tuple[CaseMessage, ...]
    #: Of HTTP tasks the port that is asked stands in their URLs.
    port: int = field(default=0)


def python_answers(*, may_retry: bool) -> st.SearchStrategy[Answer]:
    """Return how an attempt of a function may end.

    Without a ladder `Retry` waits for ten seconds: nobody has the time here.
    """
    if not may_retry:
        return st.sampled_from([Answer(), Answer(raises="Reject"), Answer(raises="ValueError", text="no")])
    return st.one_of(
        st.sampled_from([Answer(), Answer(returns={"ok": [1]}), Answer(returns="fine")]),
        st.builds(Answer, raises=st.just("Retry"), text=st.just("busy"), after_ms=AFTER_MS),
        st.builds(Answer, raises=st.sampled_from(["Reject", "ValueError"]), text=st.just("no order")),
    )


def http_answers() -> st.SearchStrategy[Answer]:
    """Return what a request may be answered."""
    return st.sampled_from(
        [
            Answer(status=200, body="success"),
            Answer(status=200, body="fail"),
            Answer(status=502, body="away"),
            Answer(status=410),
            Answer(status=503, headers={"Retry-After": "1"}),
        ]
    )


@st.composite
def plays(draw: st.DrawFn, port: int) -> Play:
    """Draw a pipeline of five or six tasks and messages: an example takes long, so it is to show much."""
    tasks: dict[str, Any] = {}
    plan: dict[str, tuple[Answer, ...]] = {}
    names = [f"t{number}" for number in range(draw(st.integers(3, 4)))]
    for name in names:
        tasks[name] = draw(_task(name, port, ["middle", "end"]))
    tasks["between"] = draw(_task("between", port, ["end"]))
    tasks["last"] = {"python": f"{ACTING}:perform"}
    for name, task in tasks.items():
        answers = http_answers() if "http" in task else python_answers(may_retry="retry" in task)
        plan[name] = tuple(draw(st.lists(answers, min_size=2, max_size=4)))
        if "timeout" in task:
            # One that is cancelled by its time-out, and one that isn't.
            plan[name] = (Answer(takes_ms=60_000), *plan[name])
    python = [name for name in names if "python" in tasks[name]]
    # To publish takes a while on a busy machine, and may so be cut off by a time-out.
    timely = [name for name in python if "timeout" not in tasks[name]]
    publishing = draw(st.lists(st.sampled_from(timely), unique=True, max_size=2)) if timely else []
    real = draw(st.lists(st.sampled_from(python), unique=True)) if python else []
    events = {name: draw(_event(name, names, tasks)) for name in ("e0", "e1")}
    events |= {"middle": {"tasks": ["between"]}, "end": {"tasks": ["last"]}}
    sections = {
        "queues": {"q0": None, "q1": {"ack": draw(st.sampled_from(["late", "early"]))}, "in1": None},
        "exchanges": {"x0": {"type": "topic"}, "x1": {"type": "fanout"}},
        "tasks": tasks,
        "events": events,
        "unrouted": draw(st.sampled_from(["dead", "drop"])),
    }
    messages = [draw(_message(number, names, events)) for number in range(draw(st.integers(4, 8)))]
    return Play(
        sections=sections,
        plan=plan,
        publishes={name: (draw(st.sampled_from(["middle", "end"])), {"by": name}) for name in publishing},
        real=frozenset([*real, *publishing]),
        messages=tuple(messages),
        port=port,
    )


@st.composite
def _task(draw: st.DrawFn, name: str, port: int, following: list[str]) -> dict[str, Any]:
    kind = draw(st.sampled_from(["perform", "perform", "perform_async", "late", "http"]))
    task: dict[str, Any] = {"queues": draw(st.sampled_from([["q0"], ["q1", "q0"], ["q0", "q1"]]))}
    if kind == "http":
        task["http"] = {
            "method": "POST",
            "url": f"http://127.0.0.1:{port}/{name}/{{{{ ebats.attempt }}}}",
            "json": {"n": "{{ n }}"},
            "success": {"status": [200], "body": "success"},
            # A process with few slots turns some away; how many it has no rehearsal knows.
            "max_per_host": 100,
        }
    else:
        task["python"] = f"{ACTING}:{'perform_async' if kind == 'late' else kind}"
    if kind == "late":
        task["timeout"] = "1s"
    if rungs := draw(st.lists(st.sampled_from(RUNGS), max_size=3)):
        task["retry"] = rungs
    for what, events in (("then", following), ("on_dead", ["end"])):
        if draw(st.booleans()):
            task[what] = draw(st.sampled_from(events))
    return task


@st.composite
def _event(draw: st.DrawFn, name: str, names: list[str], tasks: Mapping[str, Any]) -> dict[str, Any]:
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
    items: list[Any] = []
    for task in chosen:
        item: dict[str, Any] = {"task": task}
        if draw(st.booleans()):
            item["delay"] = draw(st.sampled_from(["70ms", "110ms"]))
        if draw(st.booleans()):
            item["queue"] = draw(st.sampled_from(tasks[task]["queues"]))
        items.append(item)
    event: dict[str, Any] = {"tasks": items}
    where = draw(st.sampled_from(["own", "own", "exchange", "fanout", "intake"]))
    if where == "exchange":
        event |= {"exchange": "x0", "key": draw(st.sampled_from(["a.*", "#", ["a.b", "c.#"]]))}
    elif where == "fanout":
        event["exchange"] = "x1"
    elif where == "intake" and name == "e1":
        event["queue"] = "in1"
    # A template takes fields of JSON.
    is_http = any("http" in tasks[task] for task in chosen)
    kind = draw(st.sampled_from(["json", "schema"] if is_http else ["json", "schema", "text"]))
    if kind == "schema":
        event["schema"] = SCHEMA
    elif kind == "text":
        event["format"] = "text"
    return event


@st.composite
def _message(draw: st.DrawFn, number: int, names: list[str], events: Mapping[str, Any]) -> CaseMessage:
    more: dict[str, Any] = {"id": f"m{number}", "body": draw(st.sampled_from(BODIES)), "place": PLACE}
    if draw(st.booleans()):
        more["properties"] = {"reply_to": "answers", "correlation_id": f"c{number}"}
    kind = draw(st.sampled_from(["event", "event", "task", "queue", "exchange", "nobody", "undated"]))
    if kind == "event":
        name = draw(st.sampled_from(["e0", "e1"]))
        key = "a.b" if events[name].get("exchange") == "x0" else None
        delay_ms = draw(st.sampled_from([0, 0, 300]))
        return CaseMessage(event=name, key=key, delay_ms=delay_ms, **more)
    task = draw(st.sampled_from(names))
    if kind == "task":
        return CaseMessage(task=task, delay_ms=draw(st.sampled_from([0, 300])), **more)
    if kind == "queue":
        return CaseMessage(queue=draw(st.sampled_from(["q0", "q1"])), headers={"ebats-task": task}, **more)
    if kind == "exchange":
        return CaseMessage(
            exchange=draw(st.sampled_from(["x0", "x1"])),
            key=draw(st.sampled_from(["a.b", "c.d.e", "z"])),
            **more,
        )
    if kind == "undated":
        return CaseMessage(task=task, headers={"ebats-due": "soon"}, **more)
    return CaseMessage(exchange=draw(st.sampled_from(["events", "tasks"])), key="nobody", **more)


def as_file(play: Play, name: str, url: str) -> str:
    """Return the text of a play's file."""
    return json.dumps({"version": 1, "name": name, "broker": {"url": url}, **play.sections})
