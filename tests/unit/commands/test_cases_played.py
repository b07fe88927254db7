"""Everything that a case can say, written in a file and played: all of it comes as expected."""

import sys
from pathlib import Path

import pytest

from ebats.pipelines.cases import Case
from ebats.pipelines.load import Loaded, examine
from ebats.runner.commands.cases_text import report
from ebats.runner.commands.cases_tried import try_case
from ebats.runner.rehearsal.imports import importing

FILE = Path(__file__).with_name("every_case.yaml")
LOADED: Loaded = examine(str(FILE), {})
FUNCTIONS = """
import asyncio

from ebats import Context


def note(context: Context) -> str:
    print("noting")
    context.publish("shipped", {"noted": context.id}) if context.event is None else None
    context.run_task("plain", {}) if context.event is None else None
    return "noted"


async def wait(seconds: int) -> None:
    await asyncio.sleep(seconds)
"""


@pytest.mark.parametrize("case", LOADED.cases, ids=lambda case: case.name)
def test_it_comes_as_it_is_expected(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "played.py").write_text(FUNCTIONS)
    with importing((str(tmp_path),)):
        tried = try_case(str(FILE), LOADED.pipeline, case)
    assert tried.is_good, report(tried)
    assert "played" not in sys.modules
