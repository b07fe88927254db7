"""docs/graph.md and its picture against what the command writes."""

import os
import re
from pathlib import Path
from typing import get_args

from ebats.pipelines.load import from_bytes
from ebats.runner.commands.graph import FORMATS
from ebats.runner.graph.build import build
from ebats.runner.graph.graph import EdgeKind, Graph
from ebats.runner.graph.mermaid import mermaid
from ebats.runner.graph.picture.boxes import HEADINGS
from ebats.runner.graph.picture.svg import draw
from tests.unit.graph.files import ROOT, SHOP

PAGE = ROOT / "docs" / "graph.md"
PICTURE = ROOT / "docs" / "graph-shop.svg"
_BLOCK = re.compile(r"(?<=^```mermaid\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)


def shop() -> Graph:
    return build(from_bytes(str(SHOP), SHOP.read_bytes(), {}).pipeline)


def test_the_picture_is_current() -> None:
    """EBATS_TEST_WRITE=1 draws it anew."""
    drawn = draw(shop())
    if os.environ.get("EBATS_TEST_WRITE") == "1":
        PICTURE.write_text(drawn, "utf-8")
    assert PICTURE.read_text("utf-8") == drawn


def test_the_flowchart_is_current() -> None:
    """EBATS_TEST_WRITE=1 writes it anew."""
    drawn, page = mermaid(shop()), PAGE.read_text("utf-8")
    if os.environ.get("EBATS_TEST_WRITE") == "1":
        PAGE.write_text(_BLOCK.sub(lambda _: drawn, page), "utf-8")
    assert _BLOCK.findall(PAGE.read_text("utf-8")) == [drawn]


def test_the_page_has_every_column_format_and_kind_of_edge() -> None:
    page = PAGE.read_text("utf-8")
    assert not [heading for heading in HEADINGS if f"| {heading} |" not in page]
    assert not [format_ for format_ in FORMATS if f"| `{format_}`" not in page]
    assert not [kind for kind in get_args(EdgeKind) if f"`{kind}`" not in page]


def test_no_path_of_this_machine_is_in_the_picture() -> None:
    assert str(Path.cwd()) not in PICTURE.read_text("utf-8")
