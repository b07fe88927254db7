"""Whole files, good and bad, with what `ebats validate` prints for each beside it.

A new case is a new file: with `EBATS_TEST_WRITE=1` its output is written, to be read before it is kept.
"""

import os
from pathlib import Path

import pytest

from ebats.runner.commands import validate

SPECS = Path(__file__).parents[1] / "specs"
CASES = sorted(path.relative_to(SPECS).as_posix() for path in SPECS.glob("*/*.yaml"))


@pytest.mark.parametrize("case", CASES)
def test_a_file_gets_its_output(
    case: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = SPECS / case
    monkeypatch.chdir(file.parent)
    code = validate.main([file.name], {})
    output = capsys.readouterr()
    expected = file.with_suffix(".txt")
    if os.environ.get("EBATS_TEST_WRITE"):
        expected.write_text(output.out)
    assert output.out == expected.read_text()
    assert output.err == ""
    assert code == (0 if file.parent.name == "valid" else 1)
