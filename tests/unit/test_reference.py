"""docs/file.md, the reference of the file, against the schema."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ebats import schemas

ROWS = [
    line
    for line in (Path(__file__).parents[2] / "docs" / "file.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("|")
]


def keys(schema: Any) -> Iterator[tuple[str, Any]]:
    """Yield each key that a schema knows, at any depth, with its default as it is written."""
    if isinstance(schema, list):
        for item in schema:
            yield from keys(item)
    if isinstance(schema, dict):
        for name, definition in schema.get("properties", {}).items():
            default = definition.get("default")
            is_written = default is None or isinstance(default, str)
            yield name, default if is_written else json.dumps(default)
        for item in schema.values():
            yield from keys(item)


@pytest.mark.parametrize(("name", "default"), sorted(set(keys(schemas.read("pipeline.v1"))), key=str))
def test_reference_has_each_key_with_its_default(name: str, default: object) -> None:
    rows = [row for row in ROWS if f"{name}`" in row.split("|")[1]]
    assert rows
    assert default is None or any(f"`{default}`" in row for row in rows)
