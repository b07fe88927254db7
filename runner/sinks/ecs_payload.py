"""Payloads in documents: as an object that Elasticsearch can take, else as a text."""

import re

import msgspec
from msgspec import Raw

from ebats.runner.sinks.ecs_fields import NOTHING

# What a `flattened` field takes is bounded: 20 objects in each other (`depth_limit`), and a leaf's path and
# value together in one term of Lucene's, 32,766 bytes.
# https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/flattened
_DEPTH = 20
_PATH_BYTES = 24_000
# No key may hold a zero byte; and Elasticsearch reads no number of more than 1,000 digits.
_REFUSED = re.compile(rb"\\u0000|[0-9]{500}")


def as_json(value: object) -> bytes | None:
    """Return a record's payload or result as JSON; None: there is none."""
    if isinstance(value, Raw):
        return bytes(value) or None
    return None if value is None else msgspec.json.encode(value)


def as_field(data: bytes) -> tuple[Raw, str | None]:
    """Return an object as it is, and anything else, or what a `flattened` field would refuse, as a text."""
    if data.startswith(b"{") and (_is_small(data) or _fits(data)) and not _REFUSED.search(data):
        return Raw(data), None
    return NOTHING, data.decode()


def _is_small(data: bytes) -> bool:
    return len(data) <= _PATH_BYTES and data.count(b"{") + data.count(b"[") <= _DEPTH


def _fits(data: bytes) -> bool:
    try:
        depth, longest = _extent(msgspec.json.decode(data))
    except RecursionError:
        return False
    return depth <= _DEPTH and longest <= _PATH_BYTES


def _extent(value: object) -> tuple[int, int]:
    """Return how deep objects and lists stand in each other, and the bytes of the longest path of keys."""
    if isinstance(value, dict):
        extents = [(_extent(item), len(key.encode())) for key, item in value.items()]
        depth = max((inner[0] for inner, _ in extents), default=0)
        return depth + 1, max((inner[1] + size + 1 for inner, size in extents), default=0)
    if isinstance(value, list):
        extent = [_extent(item) for item in value]
        return max((depth for depth, _ in extent), default=0) + 1, max(
            (size for _, size in extent), default=0
        )
    return 0, 0
