"""The contracts: JSON Schemas, the index template of Elasticsearch, and what each problem of a file means."""

import json
import pkgutil
from typing import Any, Literal

Name = Literal["pipeline.v1", "tests.v1", "record.v1", "logs.template"]


def read(name: Name) -> dict[str, Any]:
    """Return a schema, or the index template, of this package."""
    schema: dict[str, Any] = json.loads(text(name))
    return schema


def text(name: Name) -> str:
    """Return what `read` does as it is written, for people and their editors."""
    return _content(f"{name}.json")


def problems() -> str:
    """Return the texts about each kind of problem, as Markdown."""
    return _content("problems.md")


def _content(file: str) -> str:
    # Not importlib.resources: it takes three times as long as all that is done with the schema.
    content = pkgutil.get_data(__name__, file)
    if content is None:
        raise FileNotFoundError(file)
    return content.decode()
