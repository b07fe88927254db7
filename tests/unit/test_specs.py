"""Whole files, good and bad, with what `ebats validate` prints for each beside it.

A new case is a new file: with `EBATS_TEST_WRITE=1` its output is written, to be read before it is kept.
"""

import os
from pathlib import Path

import pytest

from ebats.runner.commands import validate

SPECS = Path(__file__).parents[1] / "specs"
#: What a file needs beside it, or includes, is in a folder with it.
CASES = sorted(
    path.relative_to(SPECS).as_posix() for glob in ("*/*.yaml", "*/*/main.yaml") for path in SPECS.glob(glob)
)


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
    assert code == (0 if case.startswith("valid/") else 1)
