"""A file's text as plain data: YAML 1.2 with the place of each key and value, and variables filled in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as Folder
from typing import Any

import yaml

from ebats.pipelines import rules, scalars, secret_file
from ebats.pipelines.problems import Place, Problem
from ebats.pipelines.rules import Rule
from ebats.pipelines.secrets import shown
from ebats.pipelines.variables import VariableError, substitute
from ebats.pipelines.yaml_nodes import TAG, UnusableError, compose

#: From the top of the file to a key or a value: `("tasks", "ship", "retry", 0)`.
Path = tuple[str | int, ...]

#: Of all files together.
MOST_BYTES = 1_048_576
#: Counted after aliases are expanded, so that a few lines can't become billions.
_MOST_NODES = 200_000
_MOST_CHARACTERS = 16 * MOST_BYTES
_DEEPEST = 64


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
    #: Values in which a variable stood, or a secret from a file.
    filled: frozenset[Path] = frozenset()
    #: Values that `${file:PATH}` filled in, and what was in those files: nobody is shown either.
    secrets: frozenset[Path] = frozenset()
    contents: frozenset[str] = frozenset()
    #: The folders of the files that it includes, absolute.
    included: tuple[Folder, ...] = ()
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

    def folder(self, path: Path = ()) -> Folder:
        """Return where a value's relative paths begin, absolute: the folder of the file that has it."""
        return Folder(self.place(path).file).absolute().parent


class Budget:
    """How much a file may hold, and all those that it includes together with it."""

    def __init__(self) -> None:
        self._bytes = self._nodes = self._characters = 0

    def take_file(self, file: str, content: bytes) -> None:
        """Count a file's bytes. Raises UnusableError: they are too many."""
        is_only = not self._bytes
        self._bytes += len(content)
        if self._bytes > MOST_BYTES:
            subject = "the file is" if is_only else "the files are together"
            place = Place(file=file, line=1, column=1)
            hint = "split it" if is_only else "make two pipelines of them"
            raise UnusableError(rules.TOO_LARGE, place, f"{subject} larger than 1 MiB", hint)

    def take_node(self, place: Place) -> None:
        """Count a value. Raises UnusableError: they are too many."""
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise _bomb(place)

    def take_text(self, text: str, place: Place) -> None:
        """Count a value's characters. Raises UnusableError: they are too many."""
        self._characters += len(text)
        if self._characters > _MOST_CHARACTERS:
            raise _bomb(place)


def _bomb(place: Place) -> UnusableError:
    return UnusableError(rules.TOO_LARGE, place, "the file's aliases make it too large", "use fewer of them")


def parse(
    file: str, content: bytes, environ: Mapping[str, str], budget: Budget | None = None
) -> tuple[Source, list[Problem]]:
    """Return what a file's content says, and what is wrong with it as YAML or with its variables.

    `file` is for the places, and its folder for `${file:PATH}`; else nothing is read. Where the text
    is no YAML at all the source has no data. Data that comes with problems is still good for further
    checks: what couldn't be read is missing from it.
    """
    start = Place(file=file, line=1, column=1)
    builder = _Builder(file, environ, budget or Budget())
    try:
        builder.budget.take_file(file, content)
        root = compose(file, content)
        data = builder.build(root, ()) if root else None
    except UnusableError as error:
        return Source(file=file, data=None, values={(): start}), [error.problem]
    source = Source(
        file=file,
        data=data,
        values={(): start} | builder.values,
        keys=builder.keys,
        broken=frozenset(builder.broken),
        texts=builder.texts,
        filled=frozenset(builder.filled),
        secrets=frozenset(builder.secrets),
        contents=frozenset(builder.contents),
    )
    return source, builder.problems


def _is_in_schema(path: Path) -> bool:
    """Return whether a value stands in an event's schema, where `$` is nothing special: `$ref`, `^a$`."""
    return len(path) > 3 and path[0] == "events" and path[2] == "schema"


#: A mapping's keys and values as nodes.
_Pairs = dict[str, tuple[yaml.Node, yaml.Node]]


class _Builder:
    """Turns YAML's nodes into data, noting where each came from."""

    def __init__(self, file: str, environ: Mapping[str, str], budget: Budget) -> None:
        self.budget = budget
        self.values: dict[Path, Place] = {}
        self.keys: dict[Path, Place] = {}
        self.problems: list[Problem] = []
        self.broken: set[Path] = set()
        self.texts: dict[Path, str] = {}
        self.filled: set[Path] = set()
        self.secrets: set[Path] = set()
        self.contents: set[str] = set()
        self._file = file
        self._environ = environ
        self._open: list[yaml.Node] = []

    def build(self, node: yaml.Node, path: Path) -> Any:
        self.values[path] = self._enter(node)
        try:
            return self._content(node, path)
        finally:
            self._open.pop()

    def _enter(self, node: yaml.Node) -> Place:
        """Count a node that is looked into, until it is taken from `_open`; return its place."""
        place = self._place(node)
        self.budget.take_node(place)
        if any(node is opened for opened in self._open):
            raise UnusableError(rules.ALIAS_IN_ITSELF, place, "this alias contains itself", "take it out")
        if len(self._open) > _DEEPEST:
            text = "the file's aliases make it nested too deeply"
            raise UnusableError(rules.TOO_LARGE, place, text, "use fewer of them")
        self._open.append(node)
        return place

    def _content(self, node: yaml.Node, path: Path) -> Any:
        kind = node.tag.removeprefix(TAG)
        if isinstance(node, yaml.MappingNode) and kind == "map":
            return {name: self.build(value, (*path, name)) for name, value in self._items(node, path)}
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        hint = "take it out"
        if isinstance(node, yaml.ScalarNode):
            try:
                return self._scalar(node, kind, path)
            except VariableError as error:
                self._problem(error.rule, node, str(error), error.hint)
            except ValueError:
                text = f"`{shown(node.value)}` isn't what the tag `{shown(kind)}` says"
                self._problem(rules.UNKNOWN_TAG, node, text, hint)
            except KeyError:
                self._problem(rules.UNKNOWN_TAG, node, f"the tag `{shown(kind)}` means nothing here", hint)
        else:
            self._problem(rules.UNKNOWN_TAG, node, f"the tag `{shown(kind)}` means nothing here", hint)
        self.broken.add(path)
        return None

    def _scalar(self, node: yaml.ScalarNode, kind: str, path: Path) -> scalars.Scalar:
        place = self.values[path]
        self.budget.take_text(node.value, place)
        if "$" not in node.value or _is_in_schema(path):
            return scalars.read(kind, node.value)
        text = substitute(node.value, self._environ, lambda file: self._secret(file, path))
        self.budget.take_text(text, place)
        if text != node.value.replace("$$", "$"):
            self.filled.add(path)
        # A plain one gets its type after its variables are filled in.
        if text != node.value and node.style in (None, ""):
            kind = scalars.kind_of(text)
            self.texts[path] = text
        return scalars.read(kind, text)

    def _secret(self, file: str, path: Path) -> str:
        content = secret_file.read(Folder(self._file).absolute().parent, file)
        self.secrets.add(path)
        self.contents.add(content)
        return content

    def _items(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, yaml.Node]]:
        """Yield the names and values of a mapping, those of `<<` first."""
        for name, (key, value) in self._pairs(node).items():
            # The place for anchors: read where they are used.
            if path or not name.startswith("x-"):
                self.keys[(*path, name)] = self._place(key)
                yield name, value

    def _pairs(self, node: yaml.MappingNode) -> _Pairs:
        """Return the pairs of a mapping, with those of `<<`, which its own override."""
        own: _Pairs = {}
        merge: tuple[yaml.Node, yaml.Node] | None = None
        for key, value in node.value:
            if key.tag != TAG + "merge":
                if self._is_new_key(key, own):
                    own[key.value] = key, value
            elif merge is None:
                merge = key, value
            else:
                hint = f"write a list, `<<: [*a, *b]`; the first is at {self._place(merge[0])}"
                self._problem(rules.KEY_TWICE, key, "the key `<<` stands twice", hint)
        if merge is None:
            return own
        value = merge[1]
        bases = value.value if isinstance(value, yaml.SequenceNode) else [value]
        found: _Pairs = {}
        # The first of several wins.
        for base in reversed(bases):
            found |= self._merged(base)
        return found | own

    def _merged(self, base: yaml.Node) -> _Pairs:
        if not isinstance(base, yaml.MappingNode) or base.tag != TAG + "map":
            text = "`<<` takes a mapping, or a list of them"
            self._problem(rules.BAD_MERGE, base, text, "point it at one with an alias")
            return {}
        place = self._enter(base)
        try:
            found = self._pairs(base)
        finally:
            self._open.pop()
        for _ in found:
            self.budget.take_node(place)
        return found

    def _is_new_key(self, key: yaml.Node, known: Mapping[str, tuple[yaml.Node, yaml.Node]]) -> bool:
        if key.tag != TAG + "str":
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
