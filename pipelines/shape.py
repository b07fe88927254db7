"""Whether a value has the shape that a JSON Schema wants: yes or no, quickly, without saying what is wrong.

A file that is good, as nearly all are, needs no more. jsonschema says what is wrong with the others; it
takes several times longer, and as long again to import.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Fits = Callable[[Any], bool]


class UnknownKeyword(Exception):
    """Raised for a schema with a keyword that isn't read here, and that jsonschema may read."""


#: Keywords that allow and forbid nothing. `$defs` is looked up, `choices` and `errorMessage` are ours.
SILENT = frozenset(
    {
        *("$schema", "$id", "$defs", "$comment", "title", "description", "examples", "default"),
        *("writeOnly", "readOnly", "deprecated", "errorMessage", "choices"),
        # Read with `if`.
        *("then", "else"),
        # For editors.
        *("markdownDescription", "enumDescriptions", "markdownEnumDescriptions", "defaultSnippets"),
        # For the tables of the documentation.
        *("without", "more"),
    }
)

_TYPES: Mapping[str, Fits] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    # 2.0 is a whole number: JSON doesn't tell them apart.
    "integer": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool))
        or (isinstance(value, float) and value.is_integer())
    ),
}


class Shape:
    """A JSON Schema, of the keywords of draft 2020-12 that this package's own schemas use.

    What it says is what jsonschema's `is_valid` says.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Read a schema; all references are to its `$defs`, also those that name another file in front.

        Raises:
            UnknownKeyword: it has one that isn't read here.
        """
        self._definitions: Mapping[str, Any] = schema.get("$defs", {})
        self._named: dict[str, Fits] = {}
        self.fits = self._of(schema)

    def _of(self, schema: Any) -> Fits:
        if isinstance(schema, bool):
            return lambda _: schema
        found = [
            _KEYWORDS[keyword](self, expected, schema)
            for keyword, expected in schema.items()
            if keyword in _KEYWORDS
        ]
        if strange := schema.keys() - _KEYWORDS.keys() - SILENT - _TOGETHER:
            raise UnknownKeyword(", ".join(sorted(strange)))
        if _TOGETHER & schema.keys():
            found.append(self._keys(schema))
        return found[0] if len(found) == 1 else lambda value: all(fits(value) for fits in found)

    def _reference(self, reference: str, _schema: Any) -> Fits:
        name = reference.rpartition("/$defs/")[2]
        if name not in self._named:
            # A definition may lead back to itself.
            self._named[name] = self._later(name)
            self._named[name] = self._of(self._definitions[name])
        return self._named[name]

    def _later(self, name: str) -> Fits:
        def fits(value: Any) -> bool:
            return self._named[name](value)

        return fits

    def _keys(self, schema: Mapping[str, Any]) -> Fits:
        """Read the keywords that share out the keys of a mapping."""
        known = {key: self._of(inner) for key, inner in schema.get("properties", {}).items()}
        patterns = [
            (re.compile(pattern).search, self._of(inner))
            for pattern, inner in schema.get("patternProperties", {}).items()
        ]
        others = self._of(schema.get("additionalProperties", True))

        def fits(value: Any) -> bool:
            if not isinstance(value, dict):
                return True
            for key, inner in value.items():
                of_key = known.get(key)
                if of_key and not of_key(inner):
                    return False
                matching = [of_pattern for search, of_pattern in patterns if search(key)]
                if not all(of_pattern(inner) for of_pattern in matching):
                    return False
                if not of_key and not matching and not others(inner):
                    return False
            return True

        return fits

    def _names(self, expected: Any, _schema: Any) -> Fits:
        fits = self._of(expected)
        return lambda value: not isinstance(value, dict) or all(fits(key) for key in value)

    def _items(self, expected: Any, _schema: Any) -> Fits:
        fits = self._of(expected)
        return lambda value: not isinstance(value, list) or all(fits(item) for item in value)

    def _all(self, expected: Any, _schema: Any) -> Fits:
        branches = [self._of(branch) for branch in expected]
        return lambda value: all(fits(value) for fits in branches)

    def _any(self, expected: Any, _schema: Any) -> Fits:
        branches = [self._of(branch) for branch in expected]
        return lambda value: any(fits(value) for fits in branches)

    def _one(self, expected: Any, _schema: Any) -> Fits:
        branches = [self._of(branch) for branch in expected]
        return lambda value: sum(fits(value) for fits in branches) == 1

    def _not(self, expected: Any, _schema: Any) -> Fits:
        fits = self._of(expected)
        return lambda value: not fits(value)

    def _condition(self, expected: Any, schema: Any) -> Fits:
        applies = self._of(expected)
        then, otherwise = self._of(schema.get("then", True)), self._of(schema.get("else", True))
        return lambda value: then(value) if applies(value) else otherwise(value)


def _type(_: Shape, expected: Any, _schema: Any) -> Fits:
    if isinstance(expected, str):
        return _TYPES[expected]
    kinds = [_TYPES[name] for name in expected]
    return lambda value: any(is_one(value) for is_one in kinds)


def _enum(_: Shape, expected: Any, _schema: Any) -> Fits:
    if any(isinstance(choice, dict | list) for choice in expected):
        raise UnknownKeyword("enum of more than scalars")
    return lambda value: any(_same(value, choice) for choice in expected)


def _const(shape: Shape, expected: Any, schema: Any) -> Fits:
    return _enum(shape, [expected], schema)


def _same(one: Any, other: Any) -> bool:
    """Return whether two scalars are the same: `true` isn't 1, and 1.0 is."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _pattern(_: Shape, expected: Any, _schema: Any) -> Fits:
    search = re.compile(expected).search
    return lambda value: not isinstance(value, str) or search(value) is not None


def _required(_: Shape, expected: Any, _schema: Any) -> Fits:
    return lambda value: not isinstance(value, dict) or all(key in value for key in expected)


def _dependent(_: Shape, expected: Any, _schema: Any) -> Fits:
    def fits(value: Any) -> bool:
        if not isinstance(value, dict):
            return True
        return all(needed in value for key, keys in expected.items() if key in value for needed in keys)

    return fits


def _at_least(kind: type[Any]) -> Callable[[Shape, Any, Any], Fits]:
    return lambda _, expected, __: lambda value: not isinstance(value, kind) or len(value) >= expected


def _at_most(kind: type[Any]) -> Callable[[Shape, Any, Any], Fits]:
    return lambda _, expected, __: lambda value: not isinstance(value, kind) or len(value) <= expected


def _minimum(_: Shape, expected: Any, _schema: Any) -> Fits:
    # Not `value >= expected`: what is no number at all compares as false, and jsonschema lets it pass.
    return lambda value: not _TYPES["number"](value) or not value < expected


def _maximum(_: Shape, expected: Any, _schema: Any) -> Fits:
    return lambda value: not _TYPES["number"](value) or not value > expected


_KEYWORDS: Mapping[str, Callable[[Shape, Any, Any], Fits]] = {
    "$ref": Shape._reference,
    "type": _type,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "minLength": _at_least(str),
    "maxLength": _at_most(str),
    "minItems": _at_least(list),
    "maxItems": _at_most(list),
    "minProperties": _at_least(dict),
    "maxProperties": _at_most(dict),
    "minimum": _minimum,
    "maximum": _maximum,
    "required": _required,
    "dependentRequired": _dependent,
    "propertyNames": Shape._names,
    "items": Shape._items,
    "allOf": Shape._all,
    "anyOf": Shape._any,
    "oneOf": Shape._one,
    "not": Shape._not,
    "if": Shape._condition,
}

#: Read in one go, with those that they depend on.
_TOGETHER = frozenset({"properties", "patternProperties", "additionalProperties"})
