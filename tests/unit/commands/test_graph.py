"""`ebats graph`: which format, where to, what is refused."""

import json
from pathlib import Path

import pytest

from ebats.pipelines.problems import BadFile, UsageError
from ebats.runner.cli import main
from ebats.runner.commands.graph import NotWritten
from ebats.runner.commands.graph import main as graph

FILE = """\
version: 1
name: shop
tasks: {ship: {python: "shop.tasks:ship"}, tell: {python: "shop.tasks:tell"}}
events: {paid: {tasks: [ship]}, lost: {tasks: [tell]}}
"""


@pytest.fixture
def shop(tmp_path: Path) -> str:
    """A small file."""
    path = tmp_path / "shop.yaml"
    path.write_text(FILE)
    return str(path)


@pytest.mark.parametrize(
    ("format_", "first"),
    [
        (None, "flowchart LR\n"),
        ("mermaid", "flowchart LR\n"),
        ("dot", 'digraph "shop" {\n'),
        ("svg", "<svg "),
    ],
)
def test_each_format_goes_to_standard_output(
    shop: str, format_: str | None, first: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert graph(shop, {}, format_=format_) == 0
    assert capsys.readouterr().out.startswith(first)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("a.svg", "<svg "),
        ("a.SVG", "<svg "),
        ("a.dot", "digraph"),
        ("a.gv", "digraph"),
        ("a.mmd", "flowchart"),
        ("a.json", "{"),
        ("a.txt", "flowchart"),
    ],
)
def test_the_ending_of_the_output_says_the_format(
    shop: str, tmp_path: Path, name: str, first: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert graph(shop, {}, output=str(tmp_path / name)) == 0
    assert (tmp_path / name).read_text("utf-8").startswith(first)
    assert capsys.readouterr().out == ""


def test_a_format_beats_the_ending(shop: str, tmp_path: Path) -> None:
    graph(shop, {}, format_="json", output=str(tmp_path / "a.svg"))
    assert json.loads((tmp_path / "a.svg").read_text("utf-8"))["name"] == "shop"


def test_only_some_is_drawn(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    graph(shop, {}, names=["ship"])
    drawn = capsys.readouterr().out
    assert "task_ship" in drawn
    assert "task_tell" not in drawn


def test_an_unknown_name_is_refused_with_a_suggestion(shop: str) -> None:
    with pytest.raises(UsageError, match=r"shop\.yaml has no 'shipp'; did you mean `ship`\?"):
        graph(shop, {}, names=["shipp"])


def test_a_picture_that_others_draw_is_refused_with_the_way_there(shop: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"can't draw a png picture; .* dot -Tpng"):
        graph(shop, {}, output=str(tmp_path / "shop.png"))
    assert not (tmp_path / "shop.png").exists()


def test_an_output_that_cant_be_written_is_said(shop: str, tmp_path: Path) -> None:
    with pytest.raises(NotWritten, match=r"can't write .*/nowhere/a\.svg: No such file or directory"):
        graph(shop, {}, output=str(tmp_path / "nowhere" / "a.svg"))


def test_a_bad_file_ends_with_78(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(FILE.replace("tasks: [ship]", "tasks: [shipp]"))
    with pytest.raises(BadFile):
        graph(str(path), {})
    assert main(["graph", str(path), "--only", "ship", "tell"]) == 78
    assert "did you mean `ship`?" in capsys.readouterr().err


def test_a_flowchart_that_github_refuses_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "shop.yaml"
    tasks = "\n".join(f'  task_{n}: {{python: "a:b"}}' for n in range(200))
    path.write_text(f"version: 1\nname: shop\ntasks:\n{tasks}\n")
    assert graph(str(path), {}) == 0
    assert "GitHub draws no more than 500 lines and 50,000 characters" in capsys.readouterr().err
    assert graph(str(path), {}, format_="svg") == 0
    assert capsys.readouterr().err == ""
