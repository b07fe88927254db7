"""Each pipeline in the documentation is a good file, and each link leads somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ebats.pipelines.load import from_bytes

ROOT = Path(__file__).parents[2]
#: Stands in the line above a block that is no whole pipeline on purpose.
SKIPPED = "<!-- not a pipeline -->"
_BLOCK = re.compile(r"^(?P<indent> *)```ya?ml[^\n]*\n(?P<text>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL)
_PIPELINE = re.compile(r"^version:", re.MULTILINE)


def blocks() -> Iterator[tuple[str, str]]:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]:
        content = page.read_text()
        for found in _BLOCK.finditer(content):
            text = re.sub(f"^{found['indent']}", "", found["text"], flags=re.MULTILINE)
            if _PIPELINE.search(text) and not content[: found.start()].rstrip().endswith(SKIPPED):
                line = content.count("\n", 0, found.start()) + 1
                yield f"{page.relative_to(ROOT)}:{line}", text


@pytest.mark.parametrize(("place", "text"), [pytest.param(*block, id=block[0]) for block in blocks()])
def test_a_pipeline_in_the_documentation_is_good(place: str, text: str) -> None:
    from_bytes(place, text.encode(), {})


_FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")
PAGES = [
    ROOT / "README.md",
    *(page for folder in ("docs", "examples", "tests") for page in sorted((ROOT / folder).glob("**/*.md"))),
]


def anchors(page: Path) -> set[str]:
    """Return the names that headings get: https://github.com/gjtorikian/html-pipeline, toc_filter."""
    text = _FENCE.sub("", page.read_text())
    titles = re.findall(r"^#+ +(.*?) *$", text, re.MULTILINE)
    shown = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title).lower() for title in titles)
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in shown}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_leads_somewhere(page: Path) -> None:
    for name, anchor in _LINK.findall(_FENCE.sub("", page.read_text())):
        target = page.parent / name if name else page
        assert target.exists(), name
        assert not anchor or anchor in anchors(target), f"{name}#{anchor}"
