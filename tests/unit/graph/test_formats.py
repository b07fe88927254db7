"""Mermaid and DOT: what is written there is what their programs read."""

import re
import shutil
import subprocess

import pytest

from ebats.pipelines.model import Pipeline
from ebats.runner.graph.build import build
from ebats.runner.graph.dot import dot, quoted
from ebats.runner.graph.labels import shown_edges
from ebats.runner.graph.mermaid import MOST_EDGES, escape, mermaid, too_big
from tests.unit.graph.files import FILES, graph, loaded, many

ID = r"[A-Za-z][A-Za-z0-9_]*"
TEXT = r'"[^"`\n]+"'
SHAPES = (
    *(rf"\[{TEXT}\]", rf"\({TEXT}\)", rf"\(\[{TEXT}\]\)"),
    *(rf"\[\({TEXT}\)\]", rf"\{{\{{{TEXT}\}}\}}"),
)
#: Of Mermaid's language, https://mermaid.js.org/syntax/flowchart.html, what we use.
LINES = {
    "head": r"flowchart LR",
    "node": rf"  (?:  )?({ID})(?:{'|'.join(SHAPES)})",
    "begin": rf"  subgraph ({ID}) \[{TEXT}\]",
    "end": r"  end",
    "edge": rf"  ({ID}) (?:<-->|-->|-\.->)(?:\|{TEXT}\|)? ({ID})",
    "style": rf"  classDef {ID} [\w:#,\- ]+",
    "class": rf"  class {ID}(?:,{ID})* {ID}",
}
PIPELINES = [
    *(pytest.param(lambda path=path: loaded(path), id=f"{path.parent.name}/{path.stem}") for path in FILES),
    *(pytest.param(lambda size=size: many(size), id=f"{size} tasks") for size in (1, 40)),
]


@pytest.fixture(params=PIPELINES)
def pipeline(request: pytest.FixtureRequest) -> Pipeline:
    """Each of the files, and made ones."""
    found = request.param()
    assert isinstance(found, Pipeline)
    return found


def test_mermaid_has_only_lines_that_it_knows(pipeline: Pipeline) -> None:
    found = build(pipeline)
    kinds: dict[str, int] = dict.fromkeys(LINES, 0)
    known: set[str] = set()
    used: set[str] = set()
    for line in mermaid(found).splitlines():
        ((kind, match),) = [
            (kind, match) for kind, pattern in LINES.items() if (match := re.fullmatch(pattern, line))
        ]
        kinds[kind] += 1
        if kind in ("node", "begin"):
            assert match[1] not in known
            known.add(match[1])
        if kind == "edge":
            used |= {match[1], match[2]}
    assert used <= known
    assert kinds["begin"] == kinds["end"]
    assert kinds["edge"] == len([*shown_edges(found)])


def test_ids_of_mermaid_differ_where_names_hardly_do() -> None:
    drawn = mermaid(graph('tasks: {a-b: {python: "a:b"}, a_b: {python: "a:b"}, end: {python: "a:b"}}'))
    assert '  task_a_b["a-b<br/>a:b"]\n' in drawn
    assert '  task_a_b_2["a_b<br/>a:b"]\n' in drawn
    assert '  task_end["end<br/>a:b"]\n' in drawn


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("*.*.WANTED.#", "*.*.WANTED.#"),
        ('a"b', "a&quot;b"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("#35;", "#\u200b35;"),
        ("$$x", "$\u200b$x"),
        ("\\n", "\\\u200bn"),
        ("订单", "订单"),
    ],
)
def test_what_means_something_to_mermaid_is_escaped(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def test_a_flowchart_that_github_refuses_is_known() -> None:
    assert not too_big(mermaid(build(many(40))))
    assert too_big(mermaid(build(many(200))))
    assert too_big("flowchart LR\n" + "  a --> b\n" * (MOST_EDGES + 1))


def test_dot_has_every_node_and_edge(pipeline: Pipeline) -> None:
    found = build(pipeline)
    drawn = dot(found)
    assert drawn.count("{") == drawn.count("}") or "{{" in drawn
    for edge in shown_edges(found):
        assert f"  {quoted(edge.source)} -> {quoted(edge.target)}" in drawn
    for node in found.nodes:
        if node.kind not in ("consumer", "sink", "channel"):
            assert f"  {quoted(node.id)} [" in drawn


def test_texts_are_quoted_for_dot() -> None:
    assert quoted('a"b\\N\nc') == r'"a\"b\\N\nc"'


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz isn't installed")
def test_graphviz_draws_it(pipeline: Pipeline) -> None:
    done = subprocess.run(
        ["dot", "-Tsvg"], input=dot(build(pipeline)), capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.count('class="edge"') == len([*shown_edges(build(pipeline))])
    assert done.stderr == ""
