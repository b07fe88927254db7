"""A file's text as YAML's nodes: YAML 1.2, bounded, and what isn't YAML told at its place."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import yaml

from ebats.pipelines import rules, scalars
from ebats.pipelines.problems import Place, Problem
from ebats.pipelines.rules import Rule

if TYPE_CHECKING:
    from yaml import CSafeLoader as _BaseLoader
else:
    try:
        from yaml import CSafeLoader as _BaseLoader
    except ImportError:  # a PyYAML that was built without libyaml: seven times slower, otherwise the same
        from yaml import SafeLoader as _BaseLoader

#: In front of the name of each of YAML's own types.
TAG = "tag:yaml.org,2002:"
_DEEPEST = 32

#: As YAML counts lines.
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


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
    _Loader.add_implicit_resolver(TAG + _kind, _pattern, _first)


class UnusableError(Exception):
    """Raised for a text that has no data at all; `problem` says why."""

    def __init__(self, rule: Rule, place: Place, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.problem = Problem(place=place, rule=rule, text=text, hint=hint)


def compose(file: str, content: bytes) -> yaml.Node | None:
    """Return the root of a file's content; None: there is nothing in it.

    Raises:
        UnusableError: it isn't YAML, or isn't UTF-8, or is nested too deeply.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_of_byte(file, content, error.start)
        hint = "save it in that encoding"
        raise UnusableError(rules.NOT_UTF8, place, "the file isn't UTF-8", hint) from error
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    except yaml.reader.ReaderError as error:
        # The C parser counts bytes.
        place = _place_of_byte(file, text.encode(), int(error.position))
        raise UnusableError(
            rules.NOT_YAML, place, f"this isn't YAML: {error.reason}", "take the character out"
        ) from error
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(file, text, error) from error
    finally:
        loader.dispose()


def texts(file: str, root: yaml.Node) -> Iterator[tuple[tuple[str | int, ...], Place, str]]:
    """Yield the path, the place and the text of each scalar value, each once: not where aliases repeat it.

    Of the top's `x-` keys there are those that aliases use.
    """
    seen: set[int] = set()
    todo: list[tuple[tuple[str | int, ...], yaml.Node]] = [((), root)]
    while todo:
        path, node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            mark = node.start_mark
            yield path, Place(file=file, line=mark.line + 1, column=mark.column + 1), node.value
        elif isinstance(node, yaml.SequenceNode):
            todo += [((*path, index), item) for index, item in enumerate(node.value)][::-1]
        elif isinstance(node, yaml.MappingNode):
            todo += [
                (path if key.tag == TAG + "merge" else (*path, str(key.value)), value)
                for key, value in reversed(node.value)
                if path or not str(key.value).startswith("x-")
            ]


def _place_of_byte(file: str, content: bytes, offset: int) -> Place:
    text = content[:offset].decode(errors="replace").removeprefix("\ufeff")
    before = _LINE_BREAK.split(text)
    return Place(file=file, line=len(before), column=len(before[-1]) + 1)


def _syntax_error(file: str, text: str, error: yaml.MarkedYAMLError) -> UnusableError:
    """Return YAML's own words, at a place inside the file: an unexpected end lies behind its last line."""
    lines = _LINE_BREAK.split(text.rstrip())
    mark = error.problem_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    if line >= len(lines):
        line, column = len(lines) - 1, len(lines[-1])
    place = Place(file=file, line=line + 1, column=column + 1)
    text = (error.problem or str(error)).removeprefix("but ")
    return UnusableError(
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
