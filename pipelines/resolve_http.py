"""From checked data to the HTTP callbacks of a task: defaults are filled in, ranges and pointers are read."""

import json
from typing import Any

from ebats.pipelines import rules
from ebats.pipelines.http_task import (
    BREAKS_AFTER,
    FINAL,
    SUCCESS,
    BodyRule,
    Breaker,
    HttpTask,
    Scalar,
    Statuses,
)
from ebats.pipelines.resolve_tls import resolve_tls
from ebats.pipelines.source import Path
from ebats.pipelines.values import Values

#: Of a whole attempt.
HTTP_TIMEOUT = "30s"


def resolve_http(values: Values, task: str) -> HttpTask | None:
    """Return what a task asks over HTTP; None: it is no such task. What is wrong goes to `values`."""
    path: Path = ("tasks", task, "http")
    if "http" not in values.keys("tasks", task):
        return None
    source = values.get(*path, "from")
    has_json = "json" in values.keys(*path)
    per_host = values.get(*path, "max_per_host")
    return HttpTask(
        method=values.get(*path, "method") or "POST",
        url=values.get(*path, "url") or "",
        pointer=None if source is None else "" if source == "payload" else source,
        headers=_texts(values, (*path, "headers")),
        query=_scalars(values, (*path, "query")) or {},
        json=_as_json(values.get(*path, "json")) if has_json else None,
        form=_scalars(values, (*path, "form")),
        body=values.get(*path, "body"),
        prepare=values.entry_point(*path, "prepare"),
        success=_statuses(values, (*path, "success", "status"), SUCCESS),
        success_body=_body_rule(values, (*path, "success", "body")),
        final=_statuses(values, (*path, "final"), FINAL),
        retry_after_s=values.seconds(*path, "retry_after", default="1h", low=0, high=7 * 86_400_000),
        connect_s=values.seconds(*path, "timeout", "connect", default="10s"),
        read_s=_seconds(values, (*path, "timeout", "read")),
        max_per_host=int(per_host) if per_host else None,
        allow_hosts=tuple(item for _, item in values.items(*path, "allow_hosts")),
        secrets=_secrets(values, (*path, "sign", "secret")),
        tls=resolve_tls(values, (*path, "tls")),
        breaker=_breaker(values, (*path, "breaker")),
    )


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _texts(values: Values, path: Path) -> dict[str, str]:
    found = {name: values.get(*path, name) for name in values.keys(*path)}
    return {name: text for name, text in found.items() if text is not None}


def _scalars(values: Values, path: Path) -> dict[str, Scalar] | None:
    """Return the usable values of a mapping; None: there is no mapping."""
    if not isinstance(values.get(*path), dict):
        return None
    found = {name: values.get(*path, name) for name in values.keys(*path)}
    return {name: value for name, value in found.items() if value is not None}


def _statuses(values: Values, path: Path, default: Statuses) -> Statuses:
    if not isinstance(values.get(*path), list):
        return default
    ranges = []
    for index, item in values.items(*path):
        low, _, high = (item if isinstance(item, str) else str(int(item))).partition("-")
        ranges.append((int(low), int(high or low)))
        if ranges[-1][0] > ranges[-1][1]:
            values.problem(
                rules.BAD_STATUS, (*path, index), f"`{item}` ends before it begins", f"write {high}-{low}"
            )
    return tuple(ranges)


def _body_rule(values: Values, path: Path) -> BodyRule | None:
    rule = values.get(*path)
    if isinstance(rule, str):
        return BodyRule(text=rule)
    if not isinstance(rule, dict):
        return None
    keys = values.keys(*path)
    return BodyRule(
        contains=values.get(*path, "contains"),
        matches=values.get(*path, "matches"),
        pointer=values.get(*path, "pointer"),
        equals=_as_json(values.get(*path, "equals")) if "equals" in keys else None,
    )


def _seconds(values: Values, path: Path) -> float | None:
    return None if values.get(*path) is None else values.seconds(*path, default="0s")


def _secrets(values: Values, path: Path) -> tuple[str, ...]:
    found = values.get(*path)
    return (found,) if isinstance(found, str) else tuple(item for _, item in values.items(*path))


def _breaker(values: Values, path: Path) -> Breaker | None:
    if path[-1] not in values.keys(*path[:-1]) or values.is_broken(*path):
        return None
    after = values.get(*path, "after")
    return Breaker(
        after=int(after) if after else BREAKS_AFTER,
        max_age_s=values.seconds(*path, "max_age", default="1h", low=1000, high=365 * 86_400_000),
    )
