"""From checked data to alerts: defaults are filled in, names become what they name."""

import json
from collections.abc import Container, Iterable, Mapping
from typing import get_args

from ebats.pipelines import rules
from ebats.pipelines.alerts import (
    AT_LEAST,
    Alerts,
    Channel,
    Condition,
    Digest,
    EmailChannel,
    Escalation,
    Owner,
    PythonChannel,
    Rule,
    Security,
    WebhookChannel,
    WecomChannel,
)
from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.source import Path
from ebats.pipelines.values import Values

CONDITIONS: tuple[Condition, ...] = get_args(Condition)
#: Those that say how long something has to last, with the shortest that can be told apart.
_LOW_MS = {"slow": 1, "queue_age": 100, "broker_away": 100, "sink_away": 100}
_PORTS: Mapping[Security, int] = {"starttls": 587, "tls": 465, "none": 25}


def resolve_alerts(
    values: Values, tasks: Iterable[str], events: Iterable[str], queues: Iterable[str]
) -> Alerts | None:
    """Return the file's alerts, None where it has none.

    `tasks`, `events` and `queues` are the names that rules may look at.
    """
    if values.get("alerts") is None:
        return None
    channels = {name: _channel(values, name) for name in values.keys("alerts", "channels")}
    owners = {name: _owner(values, name) for name in values.keys("alerts", "owners")}
    known = {"task": tuple(tasks), "event": tuple(events), "queue": tuple(queues)}
    taken: set[str] = set()
    rules = [
        _rule(values, index, tuple(channels), tuple(owners), known, taken)
        for index, item in values.items("alerts", "rules")
        if isinstance(item, dict)
    ]
    return Alerts(channels=channels, owners=owners, rules=tuple(rules), digest=_digest(values, channels))


def _channel(values: Values, name: str) -> Channel:
    path: Path = ("alerts", "channels", name)
    keys = values.keys(*path)
    if "wecom" in keys:
        return _wecom(values, name, (*path, "wecom"))
    if "email" in keys:
        return _email(values, name, (*path, "email"))
    if "webhook" in keys:
        return _webhook(values, name, (*path, "webhook"))
    nothing = EntryPoint(module="", attribute="", place=values.source.key_place(path))
    return PythonChannel(name=name, python=values.entry_point(*path, "python") or nothing)


def _wecom(values: Values, name: str, path: Path) -> WecomChannel:
    return WecomChannel(
        name=name,
        url=values.get(*path, "url") or "",
        format=values.get(*path, "format") or "text",
        mentions=_texts(values, (*path, "mentions")),
        mobiles=_texts(values, (*path, "mobiles")),
    )


def _email(values: Values, name: str, path: Path) -> EmailChannel:
    security: Security = values.get(*path, "security") or "starttls"
    return EmailChannel(
        name=name,
        host=values.get(*path, "host") or "",
        port=int(values.get(*path, "port") or _PORTS[security]),
        security=security,
        user=values.get(*path, "user"),
        password=values.get(*path, "password"),
        sender=values.get(*path, "from") or "",
        to=_texts(values, (*path, "to")),
        reply_to=values.get(*path, "reply_to"),
        ca_certs=values.file_path(*path, "ca_certs"),
    )


def _webhook(values: Values, name: str, path: Path) -> WebhookChannel:
    template = values.get(*path, "template")
    headers = {key: values.get(*path, "headers", key) for key in values.keys(*path, "headers")}
    return WebhookChannel(
        name=name,
        url=values.get(*path, "url") or "",
        template=json.dumps(template, ensure_ascii=False) if isinstance(template, dict) else template,
        secret=values.get(*path, "secret"),
        headers={key: text for key, text in headers.items() if text is not None},
    )


def _owner(values: Values, name: str) -> Owner:
    path: Path = ("alerts", "owners", name)
    return Owner(
        name=name,
        mentions=_texts(values, (*path, "mentions")),
        mobiles=_texts(values, (*path, "mobiles")),
        email=_texts(values, (*path, "email")),
    )


def _rule(
    values: Values,
    index: int,
    channels: tuple[str, ...],
    owners: tuple[str, ...],
    known: Mapping[str, tuple[str, ...]],
    taken: set[str],
) -> Rule:
    path: Path = ("alerts", "rules", index)
    keys: Container[object] = values.keys(*path)
    found: list[Condition] = [each for each in CONDITIONS if each in keys]
    condition = found[0] if found else CONDITIONS[0]
    owner = values.get(*path, "owner")
    return Rule(
        name=_name(values, path, condition, taken),
        condition=condition,
        threshold=_threshold(values, path, condition),
        at_least=int(values.get(*path, "at_least") or AT_LEAST),
        tasks=_named(values, (*path, "tasks"), "task", known["task"]),
        events=_named(values, (*path, "events"), "event", known["event"]),
        queues=_named(values, (*path, "queues"), "queue", known["queue"]),
        window_s=values.seconds(*path, "window", default="5m", low=1000, high=7 * 86_400_000),
        cooldown_s=values.seconds(*path, "cooldown", default="30m", low=1000, high=30 * 86_400_000),
        severity=values.get(*path, "severity") or "warning",
        channels=_channels(values, (*path, "channels"), channels),
        owner=owner if owner in owners else None,
        escalation=_escalation(values, (*path, "escalate"), channels),
        place=values.source.place(path),
    )


def _name(values: Values, path: Path, condition: Condition, taken: set[str]) -> str:
    """Return a rule's name; one without gets that of its condition, and a number where that is taken."""
    written = values.get(*path, "name")
    name = written or condition
    if written in taken:
        values.problem(
            rules.NAMED_TWICE, (*path, "name"), f"there is a rule `{written}` already", "give it another name"
        )
    number = 2
    while name in taken:
        name, number = f"{condition}{number}", number + 1
    taken.add(name)
    return name


def _threshold(values: Values, path: Path, condition: Condition) -> float:
    value = values.get(*path, condition)
    if value is None:
        return 1.0
    if condition in _LOW_MS:
        return values.seconds(*path, condition, default="1s", low=_LOW_MS[condition], high=30 * 86_400_000)
    if condition == "failure_rate":
        share = float(f"{value[:-1]}e-2")
        if not 0 < share <= 1:
            hint = "write a percentage above 0% and up to 100%"
            values.problem(
                rules.IDLE_RULE, (*path, condition), f"`{value}` can't be reached, or always is", hint
            )
        return share
    return float(value)


def _texts(values: Values, path: Path) -> tuple[str, ...]:
    return tuple(item for _, item in values.items(*path))


def _named(values: Values, path: Path, kind: str, known: tuple[str, ...]) -> tuple[str, ...]:
    return values.references(*path, kind=kind, known={name: name for name in known})


def _channels(values: Values, path: Path, known: tuple[str, ...]) -> tuple[str, ...]:
    if path[-1] not in values.keys(*path[:-1]):
        return known
    # Its section is inside of this one.
    names = {name: name for name in known}
    return values.references(*path, kind="channel", known=names, section=("alerts", "channels"))


def _escalation(values: Values, path: Path, channels: tuple[str, ...]) -> Escalation | None:
    if path[-1] not in values.keys(*path[:-1]):
        return None
    after_s = values.seconds(*path, "after", default="15m", low=1000, high=30 * 86_400_000)
    return Escalation(after_s=after_s, channels=_channels(values, (*path, "channels"), channels))


def _digest(values: Values, channels: Mapping[str, Channel]) -> Digest | None:
    path: Path = ("alerts", "digest")
    written = values.get(*path)
    if isinstance(written, str):
        return Digest(cron=written, channels=tuple(channels))
    if not isinstance(written, dict):
        return None
    at = values.get(*path, "at") or "0 9 * * *"
    return Digest(cron=at, channels=_channels(values, (*path, "channels"), tuple(channels)))
