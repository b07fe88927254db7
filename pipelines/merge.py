"""What several files say, as one: sections are put together, and a name that stands twice is told."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from ebats.pipelines import rules
from ebats.pipelines.problems import Place, Problem
from ebats.pipelines.rules import Rule
from ebats.pipelines.secrets import shown
from ebats.pipelines.source import Path, Source

T = TypeVar("T")

#: Mappings from names to definitions: each file may add some.
_SECTIONS: frozenset[Path] = frozenset(
    (name,)
    for name in (
        *("exchanges", "queues", "generations", "ladders", "tasks", "events"),
        *("producers", "consumers", "logs", "alerts"),
    )
) | {("alerts", "channels"), ("alerts", "owners")}
#: Lists, which follow each other.
_LISTS: frozenset[Path] = frozenset({("include",), ("tests",), ("alerts", "rules")})
#: What says of a file what it is.
_ABOUT = ("$schema", "version", "name")
_DEEPEST_ADOPTED = 3


class Merger:
    """One source, and others that are added to it one after another."""

    def __init__(self, root: Source) -> None:
        self.problems: list[Problem] = []
        self._root = root
        self._data = _copied(root.data, ())
        self._values, self._keys, self._texts = dict(root.values), dict(root.keys), dict(root.texts)
        self._broken, self._secrets, self._filled = set(root.broken), set(root.secrets), set(root.filled)
        self._contents, self._included = set(root.contents), [*root.included]

    def merged(self) -> Source:
        """Return all of them as one."""
        return replace(
            self._root,
            data=self._data,
            values=self._values,
            keys=self._keys,
            texts=self._texts,
            broken=frozenset(self._broken),
            filled=frozenset(self._filled),
            secrets=frozenset(self._secrets),
            contents=frozenset(self._contents),
            included=tuple(self._included),
        )

    def add(self, source: Source) -> None:
        """Add what an included file says; of a name that is there already the first one stays."""
        self._check_about(source)
        moved: dict[Path, Path] = {}
        for key in source.data:
            if key not in _ABOUT:
                self._add(source, (key,), self._data, source.data, moved)
        self._values |= _renamed(source.values, moved)
        self._keys |= _renamed(source.keys, moved)
        self._texts |= _renamed(source.texts, moved)
        self._broken |= _renamed(dict.fromkeys(source.broken), moved).keys()
        self._filled |= _renamed(dict.fromkeys(source.filled), moved).keys()
        self._secrets |= _renamed(dict.fromkeys(source.secrets), moved).keys()
        self._contents |= source.contents
        self._included += source.included

    def _check_about(self, source: Source) -> None:
        for key in ("version", "name"):
            written, first = source.data.get(key), self._data.get(key)
            if written is not None and first is not None and written != first:
                rule = rules.OTHER_VERSION if key == "version" else rules.OTHER_PIPELINE
                where = self._values[(key,)]
                text = f"`{key}` is `{shown(str(written))}` here, and `{shown(str(first))}` at {where}"
                hint = "take it out: an included file doesn't need it"
                self._problem(rule, source.place((key,)), text, hint)

    def _add(
        self,
        source: Source,
        path: Path,
        into: dict[str, Any],
        other: Mapping[str, Any],
        moved: dict[Path, Path],
    ) -> None:
        """Add the value at `path`, one of the keys of `other`, to those of `into`."""
        key = str(path[-1])
        value, there = other[key], into.get(key)
        is_section, is_list = path in _SECTIONS, path in _LISTS
        is_nothing = there is None and path not in self._broken and (is_section or is_list)
        if key not in into or is_nothing:
            into[key] = _copied(value, path)
            moved[path] = path
        elif not (is_section or is_list):
            where = self._keys.get(path, self._values[path])
            text, hint = f"`{shown(key)}` stands in two files", f"keep one; the first is at {where}"
            self._problem(rules.DEFINED_TWICE, source.key_place(path), text, hint)
        elif value is None or source.is_broken(path):
            self._broken |= {path} & source.broken
        elif is_list:
            self._append(path, there, value, moved)
        elif not isinstance(value, dict):
            text = f"`{shown(key)}` must be a mapping"
            self._problem(rules.WRONG_TYPE, source.place(path), text, "write a name for each definition")
        elif isinstance(there, dict):
            for name in value:
                self._add(source, (*path, name), there, value, moved)

    @staticmethod
    def _append(path: Path, there: Any, value: Any, moved: dict[Path, Path]) -> None:
        if not isinstance(there, list):
            return  # the schema has something to say about it
        if isinstance(value, list):
            for index, item in enumerate(value):
                moved[(*path, index)] = (*path, len(there))
                there.append(item)
        else:
            # One item; where a list is needed the schema refuses it.
            moved[path] = (*path, len(there))
            there.append(value)

    def _problem(self, rule: Rule, place: Place, text: str, hint: str) -> None:
        self.problems.append(Problem(place=place, rule=rule, text=text, hint=hint))


def _copied(value: Any, path: Path) -> Any:
    """Return a value whose sections and lists may be added to; the one file that is included is a list."""
    if path in _LISTS and isinstance(value, list):
        return [*value]
    if path == ("include",) and isinstance(value, str):
        return [value]
    if isinstance(value, dict) and (path in _SECTIONS or not path):
        return {key: _copied(inner, (*path, key)) for key, inner in value.items()}
    return value


def _renamed(table: Mapping[Path, T], moved: Mapping[Path, Path]) -> dict[Path, T]:
    """Return what a table says of the values that were moved, by where they are now."""
    found = {}
    for path, told in table.items():
        for length in range(1, min(len(path), _DEEPEST_ADOPTED) + 1):
            if path[:length] in moved:
                found[(*moved[path[:length]], *path[length:])] = told
                break
    return found
