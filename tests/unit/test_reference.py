"""docs/file.md, the reference of the file: its tables are what the schema says."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ebats import schemas
from tests.reference import TABLES, Reference

PAGE = Path(__file__).parents[2] / "docs" / "file.md"
SCHEMA = schemas.read("pipeline.v1")
REFERENCE = Reference(SCHEMA)


def test_the_tables_are_written_from_the_schema() -> None:
    """With `EBATS_TEST_WRITE=1` they are written."""
    page = PAGE.read_text("utf-8")
    expected = REFERENCE.written(page)
    if os.environ.get("EBATS_TEST_WRITE"):
        PAGE.write_text(expected, "utf-8")
    assert page == expected, "EBATS_TEST_WRITE=1 writes them anew"


@pytest.mark.parametrize("name", TABLES)
def test_each_table_stands_once_below_its_heading(name: str) -> None:
    page = PAGE.read_text("utf-8")
    above, _, _ = page.partition(f"<!-- keys of {name} -->\n")
    assert page.count(f"<!-- keys of {name} -->\n") == 1
    heading = re.findall(r"^#+ (.*)$", above, re.MULTILINE)[-1]
    assert re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") == TABLES[name][1]


def test_each_key_that_the_schema_knows_is_in_a_table() -> None:
    listed = [key.path.rpartition(".")[2] for name in TABLES for key in REFERENCE.keys(name)]
    assert set(known(SCHEMA)) == set(listed)
    described = {key.schema["description"] for name in TABLES for key in REFERENCE.keys(name)}
    assert not {text for text in descriptions(SCHEMA) if text not in described}


def known(schema: Any) -> Iterator[str]:
    """Yield the name of each key that a schema knows, at any depth."""
    yield from (name for name, _ in properties(schema))


def descriptions(schema: Any) -> Iterator[str]:
    """Yield what is said of each key, where it says so itself."""
    yield from (
        definition["description"] for _, definition in properties(schema) if "description" in definition
    )


def properties(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, list):
        for item in schema:
            yield from properties(item)
    if isinstance(schema, dict):
        for name, inner in schema.items():
            if name == "properties":
                yield from inner.items()
            if name not in ("examples", "default", "defaultSnippets"):
                yield from properties(inner)
