"""The contracts, as JSON Schema."""

import json
from importlib.resources import files
from typing import Any, Literal

Name = Literal["pipeline.v1", "record.v1"]


def read(name: Name) -> dict[str, Any]:
    """Return a schema of this package."""
    schema: dict[str, Any] = json.loads(files(__name__).joinpath(f"{name}.json").read_bytes())
    return schema
