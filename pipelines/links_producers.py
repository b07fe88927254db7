"""What a schema can't say about producers: what each is, and what it publishes."""

import re

from ebats.pipelines import links_gateway, links_ticks, rules
from ebats.pipelines.addresses import Unaddressable, of_event
from ebats.pipelines.model import Pipeline
from ebats.pipelines.producer import HttpProducer, Producer, PythonProducer
from ebats.pipelines.values import Values
from ebats.pipelines.wiring import wire

_KINDS = ("http", "cron", "every", "python")
#: Keys that go with some kinds only.
_WITH = {
    "processes": ("http",),
    "timezone": ("cron",),
    "missed": ("cron", "every"),
    "at_start": ("cron", "every", "at_start"),
    "event": ("cron", "every", "at_start", "python"),
    "task": ("cron", "every", "at_start"),
    "payload": ("cron", "every", "at_start"),
}

_IPV4 = re.compile(r"\d+\.\d+\.\d+\.\d+")
_LOCALHOST = {"localhost": "127.0.0.1"}


def check(pipeline: Pipeline, values: Values) -> None:
    """Note in `values.problems` what is wrong with the producers of a resolved pipeline."""
    for producer in pipeline.producers.values():
        if not values.is_broken("producers", producer.name) and _check_kind(producer, values):
            _check_target(producer, values)
            if isinstance(producer, HttpProducer):
                links_gateway.check(producer, values)
            elif isinstance(producer, PythonProducer):
                _check_yields(pipeline, producer, values)
    links_ticks.check(pipeline, values)
    _check_ports(pipeline, values)


def _check_kind(producer: Producer, values: Values) -> bool:
    """Check that a producer is one thing; return whether it is."""
    path = ("producers", producer.name)
    keys = values.keys(*path)
    kinds = [key for key in keys if key in _KINDS] or [key for key in keys if key == "at_start"]
    if not kinds:
        if values.is_any_broken(path, _KINDS):
            return False
        text = f"`{producer.name}` has none of `http`, `cron`, `every`, `python` and `at_start`"
        values.problem_at_key(rules.PRODUCER_KIND, path, text, "write one of them")
        return False
    if len(kinds) > 1:
        text = f"`{producer.name}` has both `{kinds[0]}` and `{kinds[1]}`"
        values.problem_at_key(rules.PRODUCER_KIND, (*path, kinds[1]), text, "make them two producers")
        return False
    if kinds == ["at_start"] and values.get(*path, "at_start") is False:
        values.problem(
            rules.PRODUCER_TARGET, (*path, "at_start"), f"`{producer.name}` would never publish", "write true"
        )
    for key in keys:
        if kinds[0] not in _WITH.get(key, kinds):
            text = f"`{key}` is nothing for a producer with `{kinds[0]}`"
            values.problem_at_key(rules.KEY_WITHOUT_MEANING, (*path, key), text, "take it out")
    return True


def _check_target(producer: Producer, values: Values) -> None:
    path = ("producers", producer.name)
    targets = [key for key in ("event", "task") if key in values.keys(*path)]
    if isinstance(producer, HttpProducer | PythonProducer):
        return
    if not targets and not values.is_any_broken(path, ("event", "task")):
        text = f"`{producer.name}` has neither `event` nor `task`"
        values.problem_at_key(rules.PRODUCER_TARGET, path, text, "say what it publishes")
    elif len(targets) > 1:
        text = f"`{producer.name}` has both `event` and `task`"
        values.problem_at_key(
            rules.PRODUCER_TARGET, (*path, "task"), text, "keep one of them, or make them two producers"
        )


def _check_yields(pipeline: Pipeline, producer: PythonProducer, values: Values) -> None:
    """Check that a payload alone is enough for what a function yields."""
    if producer.event is None or values.has_error("events"):
        return
    try:
        of_event(pipeline.name, wire(pipeline), producer.event, now=0.0)
    except Unaddressable:
        text = f"`{producer.event}` is whatever matches a pattern, and a payload alone has no key to go by"
        hint = f'leave `event` out, and yield ("{producer.event}", payload, {{"key": ...}})'
        values.problem(rules.NO_KEY_TO_PUBLISH, ("producers", producer.name, "event"), text, hint)


def _check_ports(pipeline: Pipeline, values: Values) -> None:
    taken: list[HttpProducer] = []
    for producer in pipeline.producers.values():
        if not isinstance(producer, HttpProducer):
            continue
        path = ("producers", producer.name, "http", "listen")
        if values.has_error(*(path if "listen" in values.keys(*path[:-1]) else path[:-1])):
            continue  # where it listens isn't known
        first = next((other for other in taken if _is_same_port(other, producer)), None)
        taken.append(producer)
        if first:
            text = f"`{first.name}` listens on port {producer.port} already"
            values.problem(rules.SAME_PORT, path, text, "choose another port")


def _is_same_port(one: HttpProducer, other: HttpProducer) -> bool:
    if one.port != other.port:
        return False
    first, second = (_LOCALHOST.get(each.host.lower(), each.host.lower()) for each in (one, other))
    return first == second or _includes(first, second) or _includes(second, first)


def _includes(everywhere: str, host: str) -> bool:
    """Return whether one listens on all addresses, a host's too: IPv4 and IPv6 are apart (IPV6_V6ONLY)."""
    if everywhere == "0.0.0.0":
        return ":" not in host
    return everywhere == "" or (everywhere == "::" and not _IPV4.fullmatch(host))
