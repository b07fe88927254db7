"""A file's data without what nobody is to see: passwords, tokens, signing secrets, values of headers."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ebats import schemas
from ebats.pipelines.secrets import HIDDEN, conceal, hide
from ebats.pipelines.source import Path, Source

#: What the schema can't mark: a key of a payload, a query or a form that says itself that it is one.
_SECRET_KEY = re.compile(
    r"(?:.*[_-])?(?:pass(?:word|wd|phrase)?|secret|bearer|token|api_?key|authorization|cookie|credentials?)",
    re.IGNORECASE,
)
#: Of these the rest is worth seeing: which broker, whose server.
_URL, _HTTP_URL = "#/$defs/url", "#/$defs/http_url"

Schema = Mapping[str, Any]


def masked(source: Source, data: Any) -> Any:
    """Return `data`, made of a source's and shaped like it, with `***` for each secret.

    Secrets are what the schema calls `writeOnly`, what came out of files by `${file:PATH}`, and what
    looks like one: passwords of URLs, signing secrets, values of keys that are called so.
    """
    schema = schemas.read("pipeline.v1")
    return _Mask(source, schema["$defs"]).value(data, (), [schema], is_secret=False)


def shown_default(path: Path, default: str) -> str:
    """Return the default of a variable that stands at a path of the file, as it may be seen."""
    schema = schemas.read("pipeline.v1")
    mask = _Mask(Source(file="", data=None, values={}), schema["$defs"])
    parts = mask.parts_at(path, schema)
    if any(part.get("writeOnly") for part in parts):
        is_url = any(part.get("$ref") == _URL for part in parts) and "://" in default
        return hide(default) if is_url else HIDDEN
    named = any(isinstance(step, str) and _SECRET_KEY.fullmatch(step) for step in path)
    return HIDDEN if named else hide(default)


class _Mask:
    def __init__(self, source: Source, definitions: Mapping[str, Schema]) -> None:
        self._source = source
        self._definitions = definitions

    def value(self, value: Any, path: Path, choices: list[Schema], *, is_secret: bool) -> Any:
        """Return a value as it may be seen; `choices` are the schemas that may be its own."""
        parts = [part for choice in choices for part in self._parts(choice)]
        is_secret = is_secret or path in self._source.secrets or _is_marked(parts, value)
        if isinstance(value, dict):
            return {
                key: self.value(
                    inner,
                    (*path, key),
                    _below(parts, key),
                    is_secret=is_secret or bool(_SECRET_KEY.fullmatch(key) and _is_open(parts, key)),
                )
                for key, inner in value.items()
            }
        if isinstance(value, list):
            items = [part["items"] for part in parts if isinstance(part.get("items"), dict)]
            return [
                self.value(inner, (*path, index), items, is_secret=is_secret)
                for index, inner in enumerate(value)
            ]
        if value is None or isinstance(value, bool):
            return value
        if is_secret:
            return HIDDEN
        return self._text(value, [part.get("$ref") for part in parts]) if isinstance(value, str) else value

    def parts_at(self, path: Path, schema: Schema) -> list[Schema]:
        """Return what the schema says of a value: all of it from where a secret may begin."""
        parts = list(self._parts(schema))
        for step in path:
            found = [part["items"] for part in parts if isinstance(part.get("items"), dict)]
            choices = found if isinstance(step, int) else _below(parts, step)
            inner: list[object] | dict[str, object] = [] if isinstance(step, int) else {}
            marked = [part for part in parts if _is_marked([part], inner)]
            parts = marked + [part for choice in choices for part in self._parts(choice)]
        return parts

    def _text(self, text: str, names: list[object]) -> str:
        if _HTTP_URL in names:
            return host_of(text)
        return "\n".join(hide(line) for line in conceal(text, self._source.contents).split("\n"))

    def _parts(self, schema: Schema) -> Iterator[Schema]:
        """Yield the schemas that a schema is made of, or may be."""
        yield schema
        if "$ref" in schema:
            yield from self._parts(self._definitions[schema["$ref"].rpartition("/")[2]])
        for keyword in ("anyOf", "allOf", "oneOf"):
            for branch in schema.get(keyword, ()):
                yield from self._parts(branch)


def _is_marked(parts: list[Schema], value: Any) -> bool:
    """Return whether all of a value is secret; items, and known keys, each say so themselves."""
    if any(part.get("$ref") in (_URL, _HTTP_URL) for part in parts):
        return False
    inner = "properties" if isinstance(value, dict) else "items" if isinstance(value, list) else ""
    return any(part.get("writeOnly") for part in parts) and not any(inner in part for part in parts)


def _is_open(parts: list[Schema], key: str) -> bool:
    """Return whether the schema doesn't know a key: its name has to tell."""
    return not any(key in part.get("properties", {}) for part in parts)


def _below(parts: list[Schema], key: str) -> list[Schema]:
    found = [part["properties"][key] for part in parts if key in part.get("properties", {})]
    others = [part.get("additionalProperties") for part in parts]
    return found or [each for each in others if isinstance(each, dict)]


def host_of(url: str) -> str:
    """Return a URL without all that may be a key: of a robot's or a hook's, nearly all is."""
    try:
        found = urlsplit(url)
        return f"{found.scheme}://{found.hostname}/{HIDDEN}"
    except ValueError:
        return HIDDEN
