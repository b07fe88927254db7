"""docs/testing.md: its files are tried, and give the output that stands there."""

import re
from pathlib import Path

import pytest

from ebats.runner.commands import test as command

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text("utf-8")
_FILE = re.compile(r"<!-- file: (?P<name>\S+) -->\n```\w+\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
_OUTPUT = re.compile(
    r"<!-- output -->\n```console\n\$ ebats test shop.yaml\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL
)
_TOOK = re.compile(r" *\d+\.\d+ m?s\b")
#: Python marks the place since 3.11, and not always alike.
_MARK = re.compile(r"^ *~[~^]*\n", re.MULTILINE)


def test_the_output_is_what_the_files_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {found["name"]: found["text"] for found in _FILE.finditer(PAGE)}
    assert sorted(files) == ["shop.yaml", "shop_test.yaml", "tasks.py"]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    assert command.main(["shop.yaml"], {}) == 1
    (shown,) = _OUTPUT.finditer(PAGE)
    assert plain(capsys.readouterr().out) == plain(shown["text"])


def plain(output: str) -> str:
    """Return an output without what differs from run to run."""
    return _TOOK.sub(" N", _MARK.sub("", output))
