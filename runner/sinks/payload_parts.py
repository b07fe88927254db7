"""What is left of a payload where not all of it is wanted: the names of its keys, or what fits a limit."""

from collections.abc import Iterator

import msgspec

_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


def key_paths(value: object) -> list[str]:
    """Return the paths of a JSON value's keys, `order.lines.sku`, each once; lists add nothing to a path.

    Raises:
        RecursionError: it is too deep.
    """
    return list(dict.fromkeys(_paths(value, "")))


def within(data: bytes, limit: int) -> bytes:
    """Return the JSON of a value in about `limit` bytes at most: its largest parts go first, and say so."""
    if len(data) <= limit:
        return data
    try:
        parts = _decoder.decode(data)
    except msgspec.MsgspecError:
        return _beginning(data, limit)
    excess = len(data) - limit
    for name, part in sorted(parts.items(), key=lambda item: len(bytes(item[1])), reverse=True):
        size = len(bytes(part))
        note = msgspec.json.encode(_note(size))
        if excess <= 0 or len(note) >= size:
            break
        parts[name] = msgspec.Raw(note)
        excess -= size - len(note)
    # So many keys that even their names are too much.
    return _beginning(data, limit) if excess > 0 else msgspec.json.encode(parts)


def _paths(value: object, prefix: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            path = f"{prefix}{key}"
            inner = list(_paths(item, f"{path}."))
            yield from inner or [path]
    elif isinstance(value, list):
        for item in value:
            yield from _paths(item, prefix)


def _beginning(data: bytes, limit: int) -> bytes:
    return msgspec.json.encode(f"{data[:limit].decode(errors='ignore')} {_note(len(data))}")


def _note(size: int) -> str:
    return f"[cut, it had {size} bytes]"
