"""A file's text as plain data: YAML 1.2 with the place of each key and value, and variables filled in."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from ebats.pipelines import rules, scalars
from ebats.pipelines.problems import Place, Problem
from ebats.pipelines.rules import Rule
from ebats.pipelines.secrets import shown
from ebats.pipelines.variables import VariableError, substitute

if TYPE_CHECKING:
    from yaml import CSafeLoader as _BaseLoader
else:
    try:
        from yaml import CSafeLoader as _BaseLoader
    except ImportError:  # a PyYAML that was built without libyaml: seven times slower, otherwise the same
        from yaml import SafeLoader as _BaseLoader

#: From the top of the file to a key or a value: `("tasks", "ship", "retry", 0)`.
Path = tuple[str | int, ...]

_MOST_BYTES = 1_048_576
_DEEPEST = 32
#: Counted after aliases are expanded, so that a few lines can't become billions.
_MOST_NODES = 200_000

#: As YAML counts lines.
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")

_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a file says, and where it says it."""

    file: str
    #: Mappings with text as keys, lists, texts, numbers, truth values and None.
    data: Any
    #: Where each value stands; that of a merged or aliased one is where it was written.
    values: Mapping[Path, Place]
    keys: Mapping[Path, Place] = field(default_factory=dict)
    #: Values that can't be used, each with a problem of its own.
    broken: frozenset[Path] = frozenset()
    #: Unquoted values that variables made a number, a truth value or nothing, as the texts that they were.
    texts: Mapping[Path, str] = field(default_factory=dict)
    #: Where errors are: broken values, and those of which only a key is wrong.
    faults: frozenset[Path] = frozenset()

    def place(self, path: Path) -> Place:
        """Return the place of a value, or of the nearest one around it that the file has."""
        while path not in self.values:
            path = path[:-1]
        return self.values[path]

    def is_broken(self, path: Path) -> bool:
        """Return whether a value, or one around it, couldn't be used."""
        return any(path[:end] in self.broken for end in range(len(path) + 1))

    def key_place(self, path: Path) -> Place:
        """Return the place of the key that leads to a value, or of the value where there is none."""
        return self.keys.get(path) or self.place(path)


class _Loader(_BaseLoader):
    """Reads scalars as YAML 1.2 does, as editors do too, and bounds the depth."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's way: a new dict on each class)
    _depth = 0

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        # Deep nesting would overflow the stack of the C composer.
        self._depth += 1
        if self._depth > _DEEPEST:
            raise yaml.MarkedYAMLError(
                problem="it is nested too deeply", problem_mark=current_node.start_mark
            )
        super().descend_resolver(current_node, current_index)

    def ascend_resolver(self) -> None:
        self._depth -= 1
        super().ascend_resolver()


for _kind, (_pattern, _first) in scalars.KINDS.items():
    _Loader.add_implicit_resolver(_TAG + _kind, _pattern, _first)


def parse(file: str, content: bytes, environ: Mapping[str, str]) -> tuple[Source, list[Problem]]:
    """Return what a file's content says, and what is wrong with it as YAML or with its variables.

    `file` is for the places only; nothing is read. Where the text is no YAML at
    all the source has no data. Data that comes with problems is still good for
    further checks: what couldn't be read is missing from it.
    """
    start = Place(file=file, line=1, column=1)
    try:
        root = _compose(file, content)
    except _UnusableError as error:
        return Source(file=file, data=None, values={(): start}), [error.problem]
    builder = _Builder(file, environ)
    try:
        data = builder.build(root, ()) if root else None
    except _UnusableError as error:
        return Source(file=file, data=None, values={(): start}), [error.problem]
    values = {(): start} | builder.values
    source = Source(
        file=file,
        data=data,
        values=values,
        keys=builder.keys,
        broken=frozenset(builder.broken),
        texts=builder.texts,
    )
    return source, builder.problems


class _UnusableError(Exception):
    def __init__(self, rule: Rule, place: Place, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.problem = Problem(place=place, rule=rule, text=text, hint=hint)


def _compose(file: str, content: bytes) -> yaml.Node | None:
    if len(content) > _MOST_BYTES:
        raise _UnusableError(
            rules.TOO_LARGE, Place(file=file, line=1, column=1), "the file is larger than 1 MiB", "split it"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_of_byte(file, content, error.start)
        hint = "save it in that encoding"
        raise _UnusableError(rules.NOT_UTF8, place, "the file isn't UTF-8", hint) from error
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    except yaml.reader.ReaderError as error:
        # The C parser counts bytes.
        place = _place_of_byte(file, text.encode(), int(error.position))
        raise _UnusableError(
            rules.NOT_YAML, place, f"this isn't YAML: {error.reason}", "take the character out"
        ) from error
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(file, text, error) from error
    finally:
        loader.dispose()


def _place_of_byte(file: str, content: bytes, offset: int) -> Place:
    text = content[:offset].decode(errors="replace").removeprefix("\ufeff")
    before = _LINE_BREAK.split(text)
    return Place(file=file, line=len(before), column=len(before[-1]) + 1)


def _syntax_error(file: str, text: str, error: yaml.MarkedYAMLError) -> _UnusableError:
    """Return YAML's own words, at a place inside the file: an unexpected end lies behind its last line."""
    lines = _LINE_BREAK.split(text.rstrip())
    mark = error.problem_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    if line >= len(lines):
        line, column = len(lines) - 1, len(lines[-1])
    place = Place(file=file, line=line + 1, column=column + 1)
    text = (error.problem or str(error)).removeprefix("but ")
    return _UnusableError(
        rules.NOT_YAML, place, f"this isn't YAML: {text}", _syntax_hint(lines, line, column, error)
    )


def _syntax_hint(lines: list[str], line: int, column: int, error: yaml.MarkedYAMLError) -> str:
    if lines[line][column:].startswith("\t"):
        return "indent with spaces, never with tabs"
    if "${" in lines[line]:
        return "inside braces a ${VARIABLE} must stand in quotes; or give the mapping lines of its own"
    if not error.context or not error.context_mark:
        return ""
    return f"{error.context} that begins in line {min(error.context_mark.line + 1, len(lines))}"


def _is_in_schema(path: Path) -> bool:
    """Return whether a value stands in an event's schema, where `$` is nothing special: `$ref`, `^a$`."""
    return len(path) > 3 and path[0] == "events" and path[2] == "schema"


class _Builder:
    """Turns YAML's nodes into data, noting where each came from."""

    def __init__(self, file: str, environ: Mapping[str, str]) -> None:
        self.values: dict[Path, Place] = {}
        self.keys: dict[Path, Place] = {}
        self.problems: list[Problem] = []
        self.broken: set[Path] = set()
        self.texts: dict[Path, str] = {}
        self._file = file
        self._environ = environ
        self._nodes = 0
        self._open: set[int] = set()

    def build(self, node: yaml.Node, path: Path) -> Any:
        place = self.values[path] = self._place(node)
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise _UnusableError(
                rules.TOO_LARGE, place, "the file's aliases make it too large", "use fewer of them"
            )
        if id(node) in self._open:
            raise _UnusableError(rules.ALIAS_IN_ITSELF, place, "this alias contains itself", "take it out")
        self._open.add(id(node))
        try:
            return self._content(node, path)
        finally:
            self._open.discard(id(node))

    def _content(self, node: yaml.Node, path: Path) -> Any:
        kind = node.tag.removeprefix(_TAG)
        if isinstance(node, yaml.MappingNode) and kind == "map":
            return dict(self._pairs(node, path))
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            try:
                return self._scalar(node, kind, path)
            except VariableError as error:
                self._problem(error.rule, node, str(error), error.hint)
            except (KeyError, ValueError):
                self._problem(
                    rules.UNKNOWN_TAG, node, f"the tag `{shown(kind)}` means nothing here", "take it out"
                )
        else:
            self._problem(
                rules.UNKNOWN_TAG, node, f"the tag `{shown(kind)}` means nothing here", "take it out"
            )
        self.broken.add(path)
        return None

    def _scalar(self, node: yaml.ScalarNode, kind: str, path: Path) -> scalars.Scalar:
        text = node.value if _is_in_schema(path) else substitute(node.value, self._environ)
        # A plain one gets its type after its variables are filled in.
        if text != node.value and node.style in (None, ""):
            kind = scalars.kind_of(text)
            self.texts[path] = text
        return scalars.read(kind, text)

    def _pairs(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        """Yield the keys and values of a mapping, those of `<<` first, which the others override."""
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merged: list[yaml.Node] = []
        for key, value in node.value:
            if key.tag == _TAG + "merge":
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
            elif self._is_new_key(key, own):
                own[key.value] = key, value
        for base in reversed(merged):
            yield from self._merged(base, path)
        for name, (key, value) in own.items():
            # The place for anchors: read where they are used.
            if path or not name.startswith("x-"):
                self.keys[(*path, name)] = self._place(key)
                yield name, self.build(value, (*path, name))

    def _merged(self, base: yaml.Node, path: Path) -> Iterator[tuple[str, Any]]:
        if not isinstance(base, yaml.MappingNode) or base.tag != _TAG + "map":
            self._problem(
                rules.BAD_MERGE,
                base,
                "`<<` takes a mapping, or a list of them",
                "point it at one with an alias",
            )
            return
        place = self.values[path]
        yield from self.build(base, path).items()
        self.values[path] = place

    def _is_new_key(self, key: yaml.Node, known: Mapping[str, tuple[yaml.Node, yaml.Node]]) -> bool:
        if key.tag != _TAG + "str":
            what = f"`{shown(key.value)}`" if isinstance(key, yaml.ScalarNode) else "this one"
            self._problem(
                rules.KEY_NOT_TEXT, key, f"a key must be a text, and {what} isn't", "put it in quotes"
            )
            return False
        if key.value in known:
            first = self._place(known[key.value][0])
            hint = f"keep one; the first is at {first}"
            self._problem(rules.KEY_TWICE, key, f"the key `{shown(key.value)}` stands twice", hint)
            return False
        return True

    def _place(self, node: yaml.Node) -> Place:
        return Place(file=self._file, line=node.start_mark.line + 1, column=node.start_mark.column + 1)

    def _problem(self, rule: Rule, node: yaml.Node, text: str, hint: str) -> None:
        self.problems.append(Problem(place=self._place(node), rule=rule, text=text, hint=hint))
