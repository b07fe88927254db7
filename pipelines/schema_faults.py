"""What is wrong with a JSON Schema: not of draft 2020-12, not whole in itself, without an end."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from ebats.pipelines import subschemas
from ebats.pipelines.ecma_pattern import to_python
from ebats.pipelines.secrets import shown
from ebats.pipelines.subschemas import Path
from ebats.pipelines.suggestion import suggest
from ebats.pipelines.violations import said

DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: Keywords of earlier drafts, which some libraries still heed and others don't.
_FORMER = {
    "dependencies": "write `dependentRequired` or `dependentSchemas`",
    "additionalItems": "write `prefixItems`, and `items` for the others",
    "$recursiveRef": "write `$dynamicRef`",
}
_REFERENCES = ("$ref", "$dynamicRef")
#: More than anybody mends at once.
_MOST = 20


class Fault(NamedTuple):
    """One thing that is wrong with a schema."""

    #: Where in the schema.
    path: Path
    #: What is wrong there, to stand behind the place.
    text: str
    hint: str = ""


def faults(schema: Any) -> list[Fault]:
    """Return what is wrong with a schema; nothing outside it is ever asked for.

    Its shape comes first: how the parts of a misshapen one hang together nobody can say.
    """
    # jsonschema tells each error once for each part of its own schema that it comes by.
    if found := list(dict.fromkeys(_misshapen(schema)))[:_MOST]:
        return found
    try:
        walk = _Walk(schema)
    except ValueError as error:
        return [Fault((), f"has an `$id` that can't be used: {error}")]
    return list(islice(walk.faults(), _MOST))


def _misshapen(schema: Any) -> Iterator[Fault]:
    if isinstance(schema, dict) and schema.get("$schema", DIALECT) not in (DIALECT, f"{DIALECT}#"):
        yield _other_dialect((), schema["$schema"])
        return
    for error in Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema):
        path = tuple(error.absolute_path)
        if path[-1:] == ("type",):
            types = "array, boolean, integer, null, number, object or string, or a list of those"
            yield Fault(path, "names no type of JSON Schema", f"write {types}")
        else:
            yield Fault(path, said(str(error.validator), error.validator_value, error.instance, error.schema))


def _other_dialect(path: Path, dialect: object) -> Fault:
    text = f"is `{shown(str(dialect))}`, and ebats reads schemas of draft 2020-12"
    return Fault((*path, "$schema"), text, f"write {DIALECT}, or leave it out")


class _Walk:
    """Goes through a well-formed schema, and looks up what its references mean."""

    def __init__(self, schema: Any) -> None:
        resource = DRAFT202012.create_resource(schema)
        registry: Registry[Any] = Registry().with_resource("", resource).crawl()
        self._schema = schema
        self._root = registry.resolver_with_root(resource)
        #: The schemas by identity, each with those that look at the same value.
        self._beside: dict[int, list[int]] = {}
        self._places: dict[int, Path] = {}
        self._known: set[int] = set()

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong, in the order of the schema."""
        self._learn(self._schema)
        yield from self._of(self._schema, (), self._root)
        for start, place in self._places.items():
            if self._comes_back(start):
                yield Fault(place, "refers to itself in a circle", "let it lead into the value, by `items`")
                return

    def _learn(self, schema: Any) -> None:
        self._known.add(id(schema))
        for path, inner in subschemas.inside(schema):
            # A pattern that is translated isn't found by a reference any more.
            if path[0] != "patternProperties":
                self._learn(inner)

    def _of(self, schema: Any, path: Path, resolver: Any) -> Iterator[Fault]:
        if not isinstance(schema, dict):
            return
        if why := _unusable(schema.get("$id", "")):
            yield Fault((*path, "$id"), f"can't be used: {why}", "write a URL, or leave it out")
            return
        resolver = resolver.in_subresource(DRAFT202012.create_resource(schema))
        self._places[id(schema)] = path
        beside = self._beside.setdefault(id(schema), [])
        for keyword in _FORMER.keys() & schema.keys():
            yield Fault((*path, keyword), "isn't of draft 2020-12", _FORMER[keyword])
        if schema.get("$schema", DIALECT) not in (DIALECT, f"{DIALECT}#"):
            yield _other_dialect(path, schema["$schema"])
        for keyword in _REFERENCES:
            if keyword in schema:
                yield from self._reference(schema[keyword], (*path, keyword), resolver, beside)
        for way, pattern in subschemas.patterns(schema):
            yield from _pattern(pattern, (*path, *way))
        for way, inner in subschemas.inside(schema):
            if way[0] in subschemas.IN_PLACE:
                beside.append(id(inner))
            yield from self._of(inner, (*path, *way), resolver)

    def _reference(self, target: str, path: Path, resolver: Any, beside: list[int]) -> Iterator[Fault]:
        try:
            found = resolver.lookup(target).contents
        except (Unresolvable, ValueError, TypeError):
            near = suggest(target, [f"#/$defs/{name}" for name in _definitions(self._schema)])
            outside = "a schema is never fetched: put what it needs under its own `$defs`"
            text = f"refers to `{shown(target)}`, which isn't in the schema"
            yield Fault(path, text, near if target.startswith("#") else outside)
            return
        if not isinstance(found, bool) and id(found) not in self._known:
            yield Fault(path, f"refers to `{shown(target)}`, which is no schema", "put it under `$defs`")
        beside.append(id(found))

    def _comes_back(self, start: int) -> bool:
        """Return whether a schema leads to itself, at the same value."""
        seen: set[int] = set()
        todo = list(self._beside[start])
        while todo:
            one = todo.pop()
            if one == start:
                return True
            if one not in seen:
                seen.add(one)
                todo += self._beside.get(one, ())
        return False


def _unusable(id_: str) -> str:
    """Return why an `$id` is no URL."""
    try:
        urlsplit(id_)
    except ValueError as error:
        return str(error)
    return ""


def _definitions(schema: Any) -> list[str]:
    return list(schema.get("$defs", ())) if isinstance(schema, dict) else []


def _pattern(pattern: str, path: Path) -> Iterator[Fault]:
    try:
        to_python(pattern)
    except ValueError as error:
        yield Fault(path, f"can't be read as a regular expression: {error}")
