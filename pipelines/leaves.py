"""The texts inside a value of a file, each with its path."""

from collections.abc import Iterator, Mapping
from typing import Any

from ebats.pipelines.source import Path


def texts(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield the texts inside a value, the value itself included; `path` is its own."""
    if isinstance(value, str):
        yield path, value
    for step, inner in parts(value):
        yield from texts(inner, (*path, step))


def parts(value: Any) -> Iterator[tuple[str | int, Any]]:
    """Yield what is right inside a mapping or a list, with its key or its position."""
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)
