"""The history of a dead-lettered message, as RabbitMQ writes it into x-death; pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ebats.runner.broker.sqlite import codec

#: Where the history is kept in a message's stored properties. Not among the headers: one that a client sends
#: there is only a header (as on RabbitMQ 4.0).
DEATHS = "deaths"
FIRST = "first-death"

Meta = dict[str, Any]


def bury(meta: Meta, *, queue: str, reason: str, exchange: str, key: str, now_s: float) -> Meta:
    """Give the stored properties after one more death: expired, rejected or delivery_limit.

    Most recent first; the same queue and reason again counts up. A message's own expiration is taken out, for
    it would expire again where it goes, and kept in the entry.
    """
    after = dict(meta)
    expiration = after.pop("expiration", None)
    past = after.get(DEATHS, [])
    after[DEATHS] = [_death(past, queue, reason, exchange, key, expiration, now_s)] + [
        death for death in past if not _is_same(death, queue, reason)
    ]
    after.setdefault(FIRST, [exchange, queue, reason])
    return after


def _is_same(death: Mapping[str, Any], queue: str, reason: str) -> bool:
    return bool(death["queue"] == queue and death["reason"] == reason)


def _death(
    past: list[dict[str, Any]],
    queue: str,
    reason: str,
    exchange: str,
    key: str,
    expiration: str | None,
    now_s: float,
) -> dict[str, Any]:
    for death in past:
        if _is_same(death, queue, reason):
            return {**death, "count": death["count"] + 1}
    entry: dict[str, Any] = {
        "count": 1,
        "reason": reason,
        "queue": queue,
        "time": codec.timestamp(datetime.fromtimestamp(now_s, UTC)),
        "exchange": exchange,
        "routing-keys": [key],
    }
    if expiration is not None:
        entry["original-expiration"] = expiration
    return entry


def is_cycle(meta: Meta, target: str) -> bool:
    """Say whether a message goes round by itself: it was in `target` before, and nobody rejected it since.

    `meta` is that after the death; RabbitMQ drops such a message (rabbitmq.com/docs/dlx).
    """
    for death in meta.get(DEATHS, []):
        if death["reason"] == "rejected":
            return False
        if death["queue"] == target:
            return True
    return False


def headers(meta: Meta) -> dict[str, Any]:
    """Take the history out of `meta`, and give the headers that show it."""
    deaths = meta.pop(DEATHS, None)
    first = meta.pop(FIRST, None)
    if not deaths or not first:
        return {}
    last = deaths[0]
    return {
        "x-death": deaths,
        "x-first-death-exchange": first[0],
        "x-first-death-queue": first[1],
        "x-first-death-reason": first[2],
        "x-last-death-exchange": last["exchange"],
        "x-last-death-queue": last["queue"],
        "x-last-death-reason": last["reason"],
    }
