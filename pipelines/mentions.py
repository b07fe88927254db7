"""The variables that a file mentions: all of them, also those in defaults that nobody needed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ebats.pipelines.problems import Place
from ebats.pipelines.source import Path
from ebats.pipelines.variables import BRACED, FILE, NAME, VariableError, closing_brace
from ebats.pipelines.yaml_nodes import compose, texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A variable in a text."""

    name: str
    #: What stands behind `-`, as it is written; None: nothing does.
    default: str | None = None
    #: What stands behind `+`: the value where the variable is set.
    alternate: str | None = None
    #: Without it the file can't be read: it has no default, or says `?`.
    required: bool = False
    kind: Literal["variable", "file"] = "variable"


def mentions(text: str) -> Iterator[Mention]:
    """Yield the variables of a text in their order, those inside a default after it.

    What is malformed ends it: reading the file says what is wrong there.
    """
    position = 0
    while (dollar := text.find("$", position)) >= 0:
        if text.startswith("$$", dollar):
            position = dollar + 2
        elif text.startswith("${", dollar):
            try:
                end = closing_brace(text, dollar)
            except VariableError:
                return
            yield from _braced(text[dollar + 2 : end])
            position = end + 1
        elif name := NAME.match(text, dollar + 1):
            yield Mention(name=name[0], required=True)
            position = name.end()
        else:
            return


def in_file(file: str, content: bytes) -> Iterator[tuple[Path, Place, Mention]]:
    """Yield what a file mentions, in its order: the path and the place of the value, and the variable.

    Raises:
        UnusableError: the content is no YAML.
    """
    root = compose(file, content)
    for path, place, text in texts(file, root) if root else ():
        # In a payload schema `$` is nothing special.
        if len(path) <= 3 or path[0] != "events" or path[2] != "schema":
            for mention in mentions(text):
                yield path, place, mention


def _braced(inside: str) -> Iterator[Mention]:
    if file := FILE.match(inside):
        yield Mention(name=inside[file.end() :], required=True, kind="file")
        yield from mentions(inside[file.end() :])
        return
    found = BRACED.fullmatch(inside)
    if not found:
        return
    how, rest = (found["how"] or "").removeprefix(":"), found["rest"] or ""
    yield Mention(
        name=found["name"],
        default=rest if how == "-" else None,
        alternate=rest if how == "+" else None,
        required=how in ("", "?"),
    )
    yield from mentions(rest)
