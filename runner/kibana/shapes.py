"""Saved objects of Kibana: what all have in common, and how they become the lines of a file."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Type = Literal["index-pattern", "search", "lens", "dashboard"]

#: The lowest versions whose shapes are the same from Kibana 8.9 to 9.x: newer servers migrate what they read
#: upwards, and refuse what is newer than they are. Without them every migration since 6.x would be run.
CORE_VERSION = "8.8.0"
TYPE_VERSIONS: Mapping[Type, str] = {
    "index-pattern": "8.0.0",
    "search": "8.0.0",
    "lens": "8.9.0",
    "dashboard": "8.9.0",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """That an object needs another one, under a name that its attributes use."""

    name: str
    type: Type
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedObject:
    """One object, as Kibana saves it."""

    type: Type
    #: Always the same for the same pipeline and data stream: an import takes the place of the one before.
    id: str
    attributes: Mapping[str, object]
    references: tuple[Reference, ...] = ()


def kuery(query: str) -> dict[str, object]:
    """Return a query in the Kibana Query Language, as all objects hold it."""
    return {"query": query, "language": "kuery"}


def compact(value: object) -> str:
    """Return JSON on one line: Kibana keeps parts of its objects as texts of JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def ndjson(objects: Iterable[SavedObject]) -> str:
    """Return objects as a file for Kibana's import: one on each line, as its export writes them."""
    return "".join(f"{compact(_plain(each))}\n" for each in objects)


def _plain(saved: SavedObject) -> dict[str, object]:
    return {
        "type": saved.type,
        "id": saved.id,
        "attributes": saved.attributes,
        "references": [{"name": each.name, "type": each.type, "id": each.id} for each in saved.references],
        "coreMigrationVersion": CORE_VERSION,
        "typeMigrationVersion": TYPE_VERSIONS[saved.type],
    }
