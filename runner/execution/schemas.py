"""Payloads checked against the schemas of their events; each schema is compiled once in a process.

By jsonschema-rs where that is installed (the extra `fast`), else by jsonschema: with the same verdicts, and
the same words, for those are jsonschema's in both cases. Neither is imported before a schema is there.
"""

import json
import re
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from ebats.pipelines import subschemas
from ebats.pipelines.ecma_pattern import to_python
from ebats.pipelines.model import Event, PayloadSchema, Pipeline
from ebats.pipelines.violations import pointer, said, short
from ebats.runner.execution import call
from ebats.runner.execution.keywords import Search, keywords
from ebats.runner.execution.outcome import Failed
from ebats.runner.execution.unpublished import BadPayload

if TYPE_CHECKING:
    from jsonschema import ValidationError

#: Deeper would end jsonschema by Python's limit of recursion, and much deeper jsonschema-rs with its process.
DEEPEST = 64
#: So many errors are looked at for the one that tells most.
_MOST_ERRORS = 50


class _Breach(NamedTuple):
    """What a payload breaks."""

    #: A JSON Pointer (RFC 6901).
    where: str
    what: str


#: Returns what a payload breaks, or None.
_Check = Callable[[object], _Breach | None]


class Schemas:
    """The schemas of a pipeline's events. Any thread may ask."""

    def __init__(self, pipeline: Pipeline, *, fast: bool = True) -> None:
        """Check for a pipeline; not `fast`: without jsonschema-rs, even where it is installed."""
        self._schemas = {event.name: event.schema for event in pipeline.events.values() if event.schema}
        self._fast = fast
        self._checks: dict[str, _Check] = {}

    def load(self, events: Iterable[str]) -> None:
        """Compile the schemas of these events now: it takes a while, the first time."""
        for event in events:
            if event in self._schemas:
                self._check_of(event)

    def problem(self, event: str | None, payload: object) -> str | None:
        """Return what a payload breaks: `/order/id: must be a string, and is null (order.schema.json)`.

        None: nothing, or the event has no schema. `payload` is what JSON decodes to.
        """
        if event not in self._schemas:
            return None
        breach = self._check_of(event)(payload)
        return breach and f"{_said(breach)} ({self._schemas[event].where})"

    def take(self, event: Event | None, body: bytes) -> tuple[Failed | None, object]:
        """Return what a task of this event gets of a body; or how it fails before it runs, beside that."""
        try:
            payload = call.decode(body, event.format if event else "json")
        except call.BadBody as error:
            return Failed("undecodable", "BadBody", str(error)), None
        if event and (problem := self.problem(event.name, payload)):
            return Failed("schema", "BadPayload", problem), payload
        return None, payload

    def check(self, event: str, payload: object) -> None:
        """Check a payload that is to be published.

        Raises:
            BadPayload: it breaks the event's schema.
        """
        if event in self._schemas and (breach := self._check_of(event)(payload)):
            raise BadPayload(event, breach.where, _said(breach))

    def check_body(self, event: str, body: bytes) -> None:
        """Check a body that is to be published: what is sent counts, not what it was made of.

        Raises:
            BadPayload: it breaks the event's schema, or can't be decoded again.
        """
        if event not in self._schemas:
            return
        try:
            payload = call.decode(body, "json")
        except call.BadBody as error:
            raise BadPayload(event, "", str(error)) from None
        self.check(event, payload)

    def _check_of(self, event: str) -> _Check:
        check = self._checks.get(event)
        if check is None:
            # Two threads may both do so: they get the same.
            check = self._checks[event] = _compiled(self._schemas[event], self._fast)
        return check


def _said(breach: _Breach) -> str:
    return f"{short(breach.where) or 'the payload'}: {breach.what}"


def _compiled(schema: PayloadSchema, fast: bool) -> _Check:
    data = json.loads(schema.text)
    is_valid = _by_rust(data) if fast else None
    explain = _by_python(data, fast=False) if is_valid is None else None

    def check(payload: object) -> _Breach | None:
        nonlocal explain
        if _is_deep(payload):
            return _Breach("", f"is nested more than {DEEPEST} deep")
        if is_valid is not None and is_valid(payload):
            return None
        explain = explain or _by_python(data, fast=True)
        return explain(payload)

    return check


def _is_deep(payload: object) -> bool:
    """Return whether arrays and objects are nested too deeply."""
    level = [payload] if isinstance(payload, dict | list) else []
    for _ in range(DEEPEST):
        level = [
            item
            for outer in level
            for item in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return bool(level)


def _by_rust(schema: Any) -> Callable[[object], bool] | None:
    """Return what jsonschema-rs makes of a schema; None: it isn't installed, or can't read a pattern.

    Its own choice of an engine for patterns lets `aa` match `^a+b*a+a$` (0.60). The plain one takes linear
    time too, and leaves out only what looks around or back, `(?=a)`: that is for jsonschema.
    """
    try:
        import jsonschema_rs
    except ImportError:
        return None
    options = jsonschema_rs.RegexOptions()
    try:
        validator = jsonschema_rs.Draft202012Validator(
            schema, validate_formats=False, pattern_options=options
        )
    except ValueError:
        return None

    def is_valid(payload: object) -> bool:
        try:
            return validator.is_valid(payload)
        except Exception:
            # A value that it can't take: jsonschema is asked.
            return False

    return is_valid


def _by_python(schema: Any, *, fast: bool) -> _Check:
    from jsonschema import Draft202012Validator, validators
    from referencing import Registry

    written = {to_python(pattern): pattern for pattern in _patterns(schema)}
    kind = validators.extend(Draft202012Validator, keywords(_search(written) if fast else _found))
    # An empty registry: nothing is ever fetched.
    validator = kind(subschemas.for_python(schema), registry=Registry())

    def explain(payload: object) -> _Breach | None:
        try:
            error = _most_telling(islice(validator.iter_errors(payload), _MOST_ERRORS))
        except RecursionError:
            return _Breach("", "is nested too deeply for its schema")
        return _breach(error, written) if error else None

    return explain


def _found(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None


def _search(written: dict[str, str]) -> Search:
    """Return what looks for patterns, given as Python's, in linear time: Python's own may take for ever."""
    known: dict[str, Callable[[object], bool] | None] = {}

    def search(pattern: str, text: str) -> bool:
        if pattern not in known:
            known[pattern] = _by_rust({"pattern": written[pattern]})
        is_valid = known[pattern]
        return is_valid(text) if is_valid else _found(pattern, text)

    return search


def _most_telling(errors: Iterable["ValidationError"]) -> "ValidationError | None":
    """Return the first of the errors nearest to the whole; below a choice, of the branch that was meant."""
    first = min(errors, key=lambda error: len(error.absolute_path), default=None)
    if first is None or first.validator not in ("anyOf", "oneOf"):
        return first
    branches: dict[Any, list[ValidationError]] = {}
    for inner in first.context or ():
        branches.setdefault(inner.relative_schema_path[0], []).append(inner)
    meant = [branch for branch in branches.values() if not any(map(_is_of_another_type, branch))]
    return _most_telling(meant[0]) if len(meant) == 1 else first


def _is_of_another_type(error: "ValidationError") -> bool:
    return error.validator == "type" and not error.relative_path


def _patterns(schema: Any) -> Iterable[str]:
    yield from (pattern for _, pattern in subschemas.patterns(schema))
    for _, inner in subschemas.inside(schema):
        yield from _patterns(inner)


def _breach(error: "ValidationError", written: dict[str, str]) -> _Breach:
    expected: Any = error.validator_value
    if error.validator == "pattern":
        expected = written.get(expected, expected)
    what = said(str(error.validator), expected, error.instance, error.schema)
    if "propertyNames" in error.absolute_schema_path:
        what = f"has a key that {what}"
    return _Breach(pointer(error.absolute_path), what)
