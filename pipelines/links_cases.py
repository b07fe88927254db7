"""What a schema can't say of a file's tests: messages that can be published, answers that tasks can give."""

from ebats.pipelines import rules
from ebats.pipelines.addresses import Unaddressable, of_event
from ebats.pipelines.model import Pipeline, Task
from ebats.pipelines.resolve_cases import PUBLISHED_KINDS
from ebats.pipelines.source import Path
from ebats.pipelines.values import Values
from ebats.pipelines.wiring import wire

_ENDS = ("returns", "raises", "status")


def check(pipeline: Pipeline, values: Values) -> None:
    """Add what is wrong with how the cases of `tests` fit the pipeline to `values.problems`."""
    for index, _ in values.items("tests"):
        path = ("tests", index)
        for each in _one_or_several(values, (*path, "publish")):
            _check_message(pipeline, values, each)
        for name in values.keys(*path, "answers"):
            for each in _one_or_several(values, (*path, "answers", name)):
                _check_answer(pipeline.tasks.get(name), values, each)
        for kind in ("runs", "published", "dead"):
            for position, _ in values.items(*path, "expect", kind):
                _exclude(values, (*path, "expect", kind, position), "payload", "payload_contains")
                if kind == "published":
                    _exclude(values, (*path, "expect", kind, position), *PUBLISHED_KINDS)


def _one_or_several(values: Values, path: Path) -> list[Path]:
    if isinstance(values.get(*path), list):
        return [(*path, index) for index, _ in values.items(*path)]
    return [path]


def _check_message(pipeline: Pipeline, values: Values, path: Path) -> None:
    _exclude(values, path, "payload", "body")
    if "delay" in values.keys(*path) and {"queue", "exchange"} & values.keys(*path):
        text = "`delay` means nothing here: the broker hands this message on at once"
        values.problem_at_key(rules.KEY_WITHOUT_MEANING, (*path, "delay"), text, "write `at`")
    if "key" in values.keys(*path) and {"queue", "task"} & values.keys(*path):
        text = "`key` means nothing here: the message goes to one task or queue, and nowhere else"
        values.problem_at_key(rules.KEY_WITHOUT_MEANING, (*path, "key"), text, "take it out")
    name, key = values.get(*path, "event"), values.get(*path, "key")
    if name not in pipeline.events or values.has_error("events"):
        return
    try:
        of_event(pipeline.name, wire(pipeline), name, now=0.0, key=key)
    except Unaddressable:
        if key is None:
            text = f"`{name}` is whatever matches a pattern, so it has no key to be published with"
            values.problem(
                rules.NO_KEY_TO_PUBLISH, (*path, "event"), text, "add the `key` that it is to have"
            )
            return
        taken = " or ".join(f"`{each}`" for each in pipeline.events[name].keys)
        values.problem(
            rules.EVENT_ADDRESS, (*path, "key"), f"no message of `{name}` has this key", f"it takes {taken}"
        )


def _check_answer(task: Task | None, values: Values, path: Path) -> None:
    _exclude(values, path, *_ENDS)
    if "after" in values.keys(*path) and values.get(*path, "raises") not in (None, "Retry"):
        text = "`after` is a wait that only `Retry` asks for"
        values.problem_at_key(rules.KEY_WITHOUT_MEANING, (*path, "after"), text, "take it out")
    if task is None or values.has_error("tasks", task.name):
        return
    if task.http is None:
        _refuse(values, path, "status", f"`{task.name}` is a Python function", "write `returns` or `raises`")
        return
    about = f"`{task.name}` is an HTTP callback"
    if values.get(*path) == "real":
        text = f"{about}, and no rehearsal sends requests"
        values.problem(
            rules.ANSWER_MISFIT, path, text, "write `returns`, or the `status` and `body` of an answer"
        )
    if values.get(*path, "raises") in ("Retry", "Reject"):
        hint = "write the `status` that leads there; `raises: ConnectionError` is no answer at all"
        text = f"{about}, and asks for nothing by an exception"
        values.problem(rules.ANSWER_MISFIT, (*path, "raises"), text, hint)


def _refuse(values: Values, path: Path, key: str, about: str, hint: str) -> None:
    if key in values.keys(*path):
        text = f"{about}, and has no answer with `{key}`"
        values.problem_at_key(rules.ANSWER_MISFIT, (*path, key), text, hint)


def _exclude(values: Values, path: Path, *keys: str) -> None:
    """Note the second of several keys that exclude each other."""
    found = [key for key in values.keys(*path) if key in keys]
    if len(found) > 1:
        text = f"`{found[1]}` can't stand beside `{found[0]}`"
        values.problem_at_key(rules.BOTH_KEYS, (*path, found[1]), text, "keep one of them")
