"""The tables of docs/file.md, written from the schema: each key, what it takes, its default, what it is for.

Between `<!-- keys of X -->` and `<!-- end -->` stands what is written here; all around it is written by hand.
Two keywords of the schema are for these tables alone: `without`, what holds where a key isn't there and that
isn't a plain default; and `more`, the place in the documentation that says more.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from tests.schema_variables import VARIABLE

Schema = dict[str, Any]

#: By the name in the marker: what of the schema the table shows, and the heading it stands under.
TABLES = {
    "the file": ("", "at-the-top"),
    "broker": ("broker", "broker"),
    "exchanges": ("exchange", "exchanges"),
    "queues": ("queue", "queues"),
    "tasks": ("task", "tasks"),
    "http of a task": ("http", "http-of-a-task"),
    "events": ("event", "events"),
    "producers": ("producer", "producers"),
    "http of a producer": ("gateway", "http-of-a-producer"),
    "consumers": ("consumer", "consumers"),
    "logs": ("log", "logs"),
    "std": ("log/properties/std", "std"),
    "file": ("log/properties/file", "file"),
    "elasticsearch": ("log/properties/elasticsearch", "elasticsearch"),
    "alerts": ("alerts", "alerts"),
    "channels": ("alert_channel", "channels"),
    "owners": ("alert_owner", "owners"),
    "rules": ("alert_rule", "rules"),
    "tests": ("case", "tests"),
    "a message": ("case_message", "publish"),
    "an answer": ("answer", "answers"),
    "runs": ("expected_run", "runs"),
    "published": ("expected_message", "published"),
    "dead": ("expected_death", "dead"),
}
_ANCHORS = {f"$defs/{place}": anchor for place, anchor in TABLES.values() if place}
_BLOCK = re.compile(r"(<!-- keys of ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)

#: What the definitions that many keys have are called.
_CALLED = {
    **dict.fromkeys(("name", "broker_name", "pipeline_name"), ("name", "names")),
    "duration": ("duration", "durations"),
    "duration_or_none": ("duration, `none`", ""),
    "size": ("size", "sizes"),
    "size_or_duration": ("size or duration", ""),
    "entry_point": ("function", "functions"),
    "ladder_name": ("name of a ladder", ""),
    "binding_key": ("text up to 255 bytes", "texts"),
    "data_stream": ("`logs-SET-NAMESPACE`", ""),
    **dict.fromkeys(("url", "host", "http_url"), ("URL", "URLs")),
    "percent": ("percentage", ""),
    "address": ("mail address", "mail addresses"),
    "signing_secret": ("secret", "secrets"),
    "status": ("status", "statuses and ranges"),
    "ladder": ("list of durations", "lists of durations"),
}
_PLURALS = {
    "text": "texts",
    "mapping": "mappings",
    **{one: many for one, many in _CALLED.values() if many},
}


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the file, with what the schema says of it."""

    path: str
    schema: Schema
    #: `required`, or which other key may stand there instead; empty where nothing has to.
    needed: str
    #: The heading under which the keys below it have a table of their own.
    anchor: str | None


class Reference:
    """The tables of a schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def written(self, page: str) -> str:
        """Return a page with its tables as they should be."""
        return _BLOCK.sub(lambda found: f"{found[1]}{self.table(found[2])}\n{found[3]}", page)

    def table(self, name: str) -> str:
        """Return the table of this name."""
        rows = (self._row(key) for key in self.keys(name))
        return "\n".join(["| key | type | default | |", "|---|---|---|---|", *rows])

    def keys(self, name: str) -> Iterator[Key]:
        """Yield the keys of a table."""
        place = _place(name)
        definition = self._schema
        for step in place.split("/") if place else ():
            definition = definition[step]
        yield from self._below(definition, place, "")

    def _below(self, schema: Schema, place: str, prefix: str) -> Iterator[Key]:
        """Yield the keys of a mapping, each followed by those below it that have no table of their own."""
        for part, mark in self._mappings(schema):
            for name, inner in part["properties"].items():
                path = f"{prefix}{mark}.{name}" if prefix else name
                here = f"{place}/properties/{name}"
                targets = (here, *self._targets(inner))
                anchor = next((_ANCHORS[target] for target in targets if target in _ANCHORS), None)
                yield Key(path, self._full(inner), _needed(part, name), anchor)
                if anchor is None:
                    yield from self._below(inner, here, path)

    def _mappings(self, schema: Schema) -> Iterator[tuple[Schema, str]]:
        """Yield the mappings that a value may be, or be a list of; `[]` stands for a list."""
        schema = self._full(schema)
        if "properties" in schema:
            yield schema, ""
        for branch in schema.get("anyOf", ()):
            yield from self._mappings(branch)
        if "items" in schema:
            yield from ((inner, "[]") for inner, _ in self._mappings(schema["items"]))

    def _targets(self, schema: Schema) -> Iterator[str]:
        """Yield the definitions that a value, or the values in it, are described by."""
        if "$ref" in schema:
            yield schema["$ref"].removeprefix("#/")
        schema = self._full(schema)
        for part in (schema.get("items"), schema.get("additionalProperties"), *schema.get("anyOf", ())):
            if isinstance(part, dict):
                yield from self._targets(part)

    def _full(self, schema: Schema) -> Schema:
        """Return a schema with what its reference names, and without the variable that editors take."""
        while "$ref" in schema:
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {
                **self._schema["$defs"][schema["$ref"].rpartition("/")[2]],
                **rest,
                "called": schema["$ref"],
            }
        branches = [branch for branch in schema.get("anyOf", ()) if branch != VARIABLE]
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        if len(branches) == 1:
            return {**rest, **branches[0]}
        return {**rest, "anyOf": branches} if branches else rest

    def _row(self, key: Key) -> str:
        text = key.schema["description"]
        if key.anchor:
            text += f" [Its keys](#{key.anchor})."
        text += f" Example: `{_example(key.schema)}`."
        if "more" in key.schema:
            text += f" [More]({key.schema['more']})."
        cells = [f"`{key.path}`", self._type(key.schema), _default(key), text]
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    def _type(self, schema: Schema) -> str:
        schema = self._full(schema)
        called = _CALLED.get(schema.get("called", "").rpartition("/")[2])
        if called:
            return called[0]
        if "const" in schema:
            return _code(schema["const"])
        if "enum" in schema:
            return ", ".join(_code(choice) for choice in schema["enum"])
        if "anyOf" in schema:
            return ", or ".join(dict.fromkeys(self._type(branch) for branch in schema["anyOf"]))
        types = schema.get("type", "anything")
        named = [types] if isinstance(types, str) else [name for name in types if name != "null"]
        return ", ".join(self._of_type(name, schema) for name in named)

    def _of_type(self, name: str, schema: Schema) -> str:
        if name == "integer":
            return _bounds(schema)
        if name == "array":
            return f"list of {self._plural(schema['items'])}" if "items" in schema else "list"
        if name == "object":
            values = self._full(schema.get("additionalProperties") or {})
            is_plain = bool(values) and not {"properties", "anyOf"} & values.keys()
            return f"mapping of {self._plural(values)}" if is_plain else "mapping"
        return {"string": "text", "boolean": "`true`, `false`"}.get(name, name)

    def _plural(self, schema: Schema) -> str:
        schema = self._full(schema)
        if "called" not in schema and "anyOf" in schema:
            return " or ".join(self._plural(branch) for branch in schema["anyOf"])
        words = self._type(schema)
        is_range = words[0].isdigit()
        return f"numbers from {words}" if is_range else _PLURALS.get(words, words)


def _place(name: str) -> str:
    return f"$defs/{TABLES[name][0]}" if TABLES[name][0] else ""


def _needed(schema: Schema, name: str) -> str:
    if name in schema.get("required", ()):
        return "required"
    choices = [key for branch in schema.get("oneOf", ()) for key in branch.get("required", ())]
    if name not in choices:
        return ""
    others = [f"`{choice}`" for choice in choices if choice != name]
    return f"this, or {' or '.join(others)}" if len(others) < 3 else "one of these"


def _default(key: Key) -> str:
    if key.needed == "required":
        return key.needed
    if "without" in key.schema:
        without: str = key.schema["without"]
        return without
    return _code(key.schema["default"]) if "default" in key.schema else key.needed or "none"


def _example(schema: Schema) -> str:
    """Return an example as it is written in a file: one that isn't the default, where there is one."""
    others = [example for example in schema["examples"] if example != schema.get("default")]
    return _flow((others or schema["examples"])[0])


def _flow(value: Any) -> str:
    if isinstance(value, str):
        return value
    text = yaml.safe_dump([value], default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True)
    return text.strip()[1:-1]


def _code(value: Any) -> str:
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _bounds(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is None:
        return "whole number"
    return f"{least} to {most}" if most is not None else f"number from {least}"
