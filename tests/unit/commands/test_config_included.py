"""`ebats config` of a file that includes others."""

import json
from pathlib import Path

import pytest

from ebats.runner.commands import config
from ebats.runner.commands.config import Asked


def test_variables_of_included_files_are_listed_at_their_places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "f.yaml").write_text("version: 1\nname: shop\ninclude: parts/a.yaml\nenvironment: $A\n")
    (tmp_path / "parts" / "a.yaml").write_text("timezone: $B\ngrace: $C\n")
    (tmp_path / "parts" / ".env").write_text("B=UTC\n")
    assert config.variables(str(tmp_path / "f.yaml"), {"A": "a"}, Asked(format="json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(each["name"], each["set"], each["at"].removeprefix(f"{tmp_path}/")) for each in found] == [
        ("A", True, "f.yaml:4:14"),
        ("B", True, "parts/a.yaml:1:11"),
        ("C", False, "parts/a.yaml:2:8"),
    ]
