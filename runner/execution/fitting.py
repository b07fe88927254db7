"""How large headers are, and making them fit into a frame. Pure."""

from collections.abc import Set

from ebats.runner.execution.delivery import Headers

#: All headers of a message together; a frame of 128 KiB has to hold them.
HEADERS_BYTES = 65_536


def fitting(headers: Headers, kept: Set[str]) -> Headers:
    """Return headers that fit: the largest go first, never those that are named in `kept`."""
    sizes = {key: 8 + _size(key) + _size(value) for key, value in headers.items()}
    excess = sum(sizes.values()) - HEADERS_BYTES
    for key in sorted(sizes, key=lambda key: sizes[key], reverse=True):
        if excess <= 0:
            break
        if key not in kept:
            del headers[key]
            excess -= sizes[key]
    return headers


def size_of(headers: Headers) -> int:
    """Return how large headers are on their way, in bytes, about; see `HEADERS_BYTES`."""
    return sum(8 + _size(key) + _size(value) for key, value in headers.items())


def _size(value: object) -> int:
    if isinstance(value, str):
        return len(value) * (1 if value.isascii() else 4)
    if isinstance(value, (int, float)):
        return 9
    return len(value) if isinstance(value, bytes) else 4 * len(repr(value))
