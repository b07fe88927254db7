"""The contracts: JSON Schemas, the index template of Elasticsearch, and what each problem of a file means."""

import json
from importlib.resources import files
from typing import Any, Literal

Name = Literal["pipeline.v1", "tests.v1", "record.v1", "logs.template"]


def read(name: Name) -> dict[str, Any]:
    """Return a schema, or the index template, of this package."""
    schema: dict[str, Any] = json.loads(files(__name__).joinpath(f"{name}.json").read_bytes())
    return schema


def problems() -> str:
    """Return the texts about each kind of problem, as Markdown."""
    return files(__name__).joinpath("problems.md").read_text("utf-8")
