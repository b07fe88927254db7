"""`ebats graph FILE`: a picture of a pipeline, for people and for other programs."""

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import EbatsError, UsageError
from ebats.pipelines.secrets import conceal
from ebats.pipelines.suggestion import suggest
from ebats.runner.commands.clocks import examine
from ebats.runner.commands.say import say
from ebats.runner.graph import only
from ebats.runner.graph.as_json import as_json
from ebats.runner.graph.build import build
from ebats.runner.graph.dot import dot
from ebats.runner.graph.graph import Graph
from ebats.runner.graph.mermaid import MOST_CHARACTERS, MOST_EDGES, mermaid, too_big
from ebats.runner.graph.picture.svg import draw

STDOUT, DEFAULT = "-", "mermaid"
FORMATS: Mapping[str, Callable[[Graph], str]] = {
    "mermaid": mermaid,
    "dot": dot,
    "svg": draw,
    "json": as_json,
}
#: Which format a file's name asks for.
_ENDINGS = {
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".dot": "dot",
    ".gv": "dot",
    ".svg": "svg",
    ".json": "json",
}
#: What only other programs draw.
_PICTURES = (".png", ".pdf", ".jpg", ".jpeg")


class NotWritten(EbatsError):
    """Raised when the picture can't be written."""


def main(
    file: str,
    environ: Mapping[str, str],
    *,
    format_: str | None = None,
    output: str | None = None,
    names: Sequence[str] = (),
) -> int:
    """Write the picture of a file's pipeline, or of the part around some names; return 0.

    `format_`: None is what the ending of `output` says, else Mermaid. `output`: None, or `-`, is
    standard output.

    Raises:
        UsageError: the file has no such name, or no such picture can be drawn.
        NotWritten: the output can't be written.
        EbatsError: the file is bad.
    """
    target = output or STDOUT
    chosen = format_ or _format_of(target)
    loaded = examine(file, environ)
    graph = _concealed(_graph(loaded.pipeline, names), loaded.source.contents)
    text = FORMATS[chosen](graph)
    if chosen == "mermaid" and too_big(text):
        limits = f"{MOST_EDGES} lines and {MOST_CHARACTERS:,} characters"
        say("warning", f"GitHub draws no more than {limits}; take --format svg, or --only some of it")
    _write(text, target)
    return 0


def _graph(pipeline: Pipeline, names: Sequence[str]) -> Graph:
    graph = build(pipeline)
    if not names:
        return graph
    known = only.names(graph)
    for name in names:
        if name not in known:
            raise UsageError(f"{pipeline.file} has no {name!r}; {suggest(name, known)}")
    return only.keep(graph, names)


def _concealed(graph: Graph, contents: Collection[str]) -> Graph:
    """Return a graph whose texts are without what came out of files of secrets."""
    if not contents:
        return graph
    nodes = (
        replace(
            node,
            name=conceal(node.name, contents),
            details=tuple(conceal(each, contents) for each in node.details),
            more=tuple(conceal(each, contents) for each in node.more),
        )
        for node in graph.nodes
    )
    return replace(graph, name=conceal(graph.name, contents), nodes=tuple(nodes))


def _format_of(output: str) -> str:
    ending = Path(output).suffix.lower()
    if ending in _PICTURES:
        text = f"can't draw a {ending.removeprefix('.')} picture"
        raise UsageError(f"{text}; write an .svg, or let Graphviz do it: --format dot | dot -T{ending[1:]}")
    return _ENDINGS.get(ending, DEFAULT)


def _write(text: str, output: str) -> None:
    if output == STDOUT:
        sys.stdout.write(text)
        return
    try:
        Path(output).write_text(text, "utf-8")
    except OSError as error:
        raise NotWritten(f"can't write {output}: {error.strerror}") from error
