"""Each pipeline in the documentation is a good file."""

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
