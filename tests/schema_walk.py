"""Every part of a file's schema with a good file around it, and values that each of its keywords refuses."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ebats.pipelines.shape import SILENT, Shape

Path = tuple[str | int, ...]
Wrap = Callable[[Any], Any]

#: A value of each type that JSON has.
OF_TYPE: Mapping[str, Any] = {
    "null": None,
    "boolean": True,
    "integer": 3,
    "number": 2.5,
    "string": "some text",
    "array": [],
    "object": {},
}
#: What texts are like that have no example of their own: those of choices.
_TEXTS = (
    *("abc", "10s", "10MB", "10%", "a:b", "/a", "200-299", "0 3 * * *", "ops@example.com"),
    *("https://shop.example.com", "sqlite:///shop.db", "amqp://rabbit.example.com/"),
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the schema."""

    schema: Mapping[str, Any]
    #: Where a value of it stands in a file.
    path: Path
    #: Returns a whole file with a value at that place, good but for the value.
    wrap: Wrap
    #: Whether it alone decides about the value.
    is_whole: bool = True

    def __str__(self) -> str:
        return "/".join(map(str, self.path)) or "the whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A file with one mistake."""

    keyword: str
    data: Any
    #: Of the value that the mistake is in.
    path: Path
    #: Of the key that it is, where it is one.
    key: str | None = None


def parts(schema: Any, wrap: Wrap, path: Path = ()) -> Iterator[Part]:
    """Yield a schema without references and all that is below it; of choices each."""
    yield Part(schema=schema, path=path, wrap=wrap)
    for name, inner in schema.get("properties", {}).items():
        yield from parts(inner, _at_key(schema, wrap, name), (*path, name))
    if isinstance(inner := schema.get("additionalProperties"), dict):
        name = _good_name(schema)
        yield from parts(inner, _at_key(schema, wrap, name), (*path, name))
    if isinstance(inner := schema.get("items"), dict):
        yield from parts(inner, lambda value: wrap([value]), (*path, 0))
    for branch in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        for part in parts(branch, wrap, path):
            yield replace(part, is_whole=part.is_whole and "allOf" not in schema)


def sample(schema: Any) -> Any:
    """Return a value that a schema takes: its first example that does, or a smallest one."""
    fits = Shape(schema).fits
    for each in (*schema.get("examples", ()), *([schema["default"]] if "default" in schema else ())):
        # Those with variables are for after they are filled in.
        if fits(each) and "$" not in str(each):
            return each
    for each in _smallest(schema):
        if fits(each):
            return each
    raise LookupError(f"no value is known for {schema}: give it an example")


def _smallest(schema: Any) -> Iterator[Any]:
    yield from ([schema["const"]] if "const" in schema else schema.get("enum", ()))
    for branch in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        yield from _smallest(branch)
    if "items" in schema:
        yield [sample(schema["items"])]
    if "properties" in schema or "additionalProperties" in schema:
        yield _filled(schema, {})
    yield from (schema.get("minimum", 1), *OF_TYPE.values(), *_TEXTS, "a" * schema.get("minLength", 1))


def _at_key(schema: Any, wrap: Wrap, name: str) -> Wrap:
    return lambda value: wrap(_filled(schema, {name: value}))


def _filled(schema: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Return a mapping with what is given, and what a schema needs beside it."""
    properties = schema.get("properties", {})
    choices = [branch["required"][0] for branch in schema.get("oneOf", ())]
    needed = [*schema.get("required", ())]
    for name in given:
        needed += schema.get("dependentRequired", {}).get(name, ())
    if choices and not any(name in choices for name in (*given, *needed)):
        needed.append(choices[0])
    return {name: sample(properties[name]) for name in needed if name not in given} | given


def _good_name(schema: Any) -> str:
    return next(name for name in ("abc", "X-Abc", "EBATS_ABC") if _takes_name(schema, name))


def _takes_name(schema: Any, name: str) -> bool:
    return Shape(schema.get("propertyNames", {})).fits(name) and name not in schema.get("properties", {})


def mutants(part: Part) -> Iterator[Mutant]:
    """Yield files that a part's own keywords refuse, each with one mistake.

    Raises:
        KeyError: it has a keyword for which nothing is written here.
    """
    for keyword in part.schema:
        if keyword not in SILENT:
            yield from _MUTATE[keyword](part)


def _values(keyword: str, part: Part, values: Iterator[Any]) -> Iterator[Mutant]:
    fits = Shape(part.schema).fits
    for value in values:
        if not fits(value):
            yield Mutant(keyword=keyword, data=part.wrap(value), path=part.path)


def _other_types(part: Part) -> Iterator[Mutant]:
    keyword = "anyOf" if "anyOf" in part.schema else "type"
    yield from _values(keyword, part, iter(OF_TYPE.values()))


def _other_texts(keyword: str) -> Callable[[Part], Iterator[Mutant]]:
    def mutate(part: Part) -> Iterator[Mutant]:
        long = "a" * (part.schema.get("maxLength", 0) + 1)
        yield from _values(keyword, part, iter(["", "no such thing!", "-", "1x", ":", "\n", long]))

    return mutate


def _other_numbers(keyword: str) -> Callable[[Part], Iterator[Mutant]]:
    def mutate(part: Part) -> Iterator[Mutant]:
        limit = part.schema[keyword]
        yield from _values(keyword, part, iter([limit - 1, limit + 1]))

    return mutate


def _other_lengths(part: Part) -> Iterator[Mutant]:
    item = sample(part.schema.get("items", {"type": "string"}))
    lengths = (0, part.schema.get("maxItems", 1) + 1)
    yield from _values("minItems", part, ([item] * length for length in lengths))


def _missing(part: Part) -> Iterator[Mutant]:
    whole = _filled(part.schema, {})
    for name in part.schema["required"]:
        data = part.wrap({key: value for key, value in whole.items() if key != name})
        yield Mutant(keyword="required", data=data, path=part.path)


def _unknown(part: Part) -> Iterator[Mutant]:
    if part.schema["additionalProperties"] is False:
        for name in ("zzz", *(f"{name}s" for name in list(part.schema.get("properties", ()))[:3])):
            if name not in part.schema["properties"]:
                data = part.wrap(_filled(part.schema, {name: 1}))
                yield Mutant(keyword="additionalProperties", data=data, path=part.path, key=name)


def _bad_names(part: Part) -> Iterator[Mutant]:
    value = sample(part.schema["additionalProperties"])
    for name in ("", "no name!", "1x", "a" * 300, "订单"):
        if not Shape(part.schema["propertyNames"]).fits(name):
            yield Mutant(keyword="propertyNames", data=part.wrap({name: value}), path=part.path, key=name)


def _none_or_two(part: Part) -> Iterator[Mutant]:
    choices = [branch["required"][0] for branch in part.schema["oneOf"]]
    whole = _filled(part.schema, {})
    none = {name: value for name, value in whole.items() if name not in choices}
    yield Mutant(keyword="oneOf", data=part.wrap(none), path=part.path)
    for name in choices:
        if name not in whole:
            two = whole | {name: sample(part.schema["properties"][name])}
            yield Mutant(keyword="oneOf", data=part.wrap(two), path=part.path)


def _lonely(part: Part) -> Iterator[Mutant]:
    for name, needed in part.schema["dependentRequired"].items():
        whole = _filled(part.schema, {name: sample(part.schema["properties"][name])})
        data = part.wrap({key: value for key, value in whole.items() if key not in needed})
        yield Mutant(keyword="dependentRequired", data=data, path=part.path, key=name)


def _nothing(part: Part) -> Iterator[Mutant]:
    yield from ()


_MUTATE: Mapping[str, Callable[[Part], Iterator[Mutant]]] = {
    "type": _other_types,
    "anyOf": _other_types,
    "enum": _other_texts("enum"),
    "const": _other_types,
    "pattern": _other_texts("pattern"),
    "minLength": _other_texts("minLength"),
    "maxLength": _other_texts("maxLength"),
    "not": _other_texts("not"),
    "minimum": _other_numbers("minimum"),
    "maximum": _other_numbers("maximum"),
    "minItems": _other_lengths,
    "maxItems": _other_lengths,
    "required": _missing,
    "additionalProperties": _unknown,
    "propertyNames": _bad_names,
    "oneOf": _none_or_two,
    "dependentRequired": _lonely,
    # What stands in them is looked at by itself.
    **dict.fromkeys(("properties", "patternProperties", "items", "allOf", "minProperties"), _nothing),
}
