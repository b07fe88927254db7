"""A search as Elasticsearch's query language says it.

https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-bool-query
"""

import math
from collections.abc import Collection
from typing import Any

from ebats.pipelines.sink import Level
from ebats.runner.execution.record import WEIGHTS
from ebats.runner.sinks.ecs_parts import labels_of
from ebats.runner.sinks.finding.search import Search

Query = dict[str, Any]


def query_of(search: Search, since_ms: int | None = None) -> Query:
    """Return the query of a search, whatever its limit; `since_ms`: of this Unix time or later, instead."""
    filters = [
        {"term": {"service.name": search.pipeline}},
        *_any_of("messaging.message.id", search.ids),
        *_any_of("ebats.task.name", search.tasks),
        *_any_of("ebats.event.name", search.events),
        *_any_of("ebats.outcome", search.outcomes),
        *_any_of("log.level", _levels(search.level)),
        *_time(_ms(search.since) if since_ms is None else since_ms, _ms(search.until)),
    ]
    for name, values in search.labels.items():
        (field,) = labels_of({name: ""})
        filters += _any_of(f"labels.{field}", values)
    return {"bool": {"filter": filters}}


def these(ids: Collection[str]) -> Query:
    """Return the query for documents by their `_id`."""
    return {"ids": {"values": [*ids]}}


def _any_of(field: str, values: Collection[str]) -> list[Query]:
    return [{"terms": {field: sorted(values)}}] if values else []


def _levels(least: Level | None) -> list[str]:
    if least is None:
        return []
    return [level for level, weight in WEIGHTS.items() if weight >= WEIGHTS[least]]


def _time(since_ms: int | None, until_ms: int | None) -> list[Query]:
    bounds = {name: ms for name, ms in (("gte", since_ms), ("lt", until_ms)) if ms is not None}
    return [{"range": {"@timestamp": {**bounds, "format": "epoch_millis"}}}] if bounds else []


def _ms(time_s: float | None) -> int | None:
    # The first millisecond that isn't before it: records have no finer times.
    return None if time_s is None else math.ceil(round(time_s * 1000, 3))
