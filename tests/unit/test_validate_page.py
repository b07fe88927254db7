"""docs/validate.md: what it shows is what is printed, and what it says of the action is so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "validate.md").read_text("utf-8")
SHOWN = re.findall(r"^```console\n\$ (?P<command>.*)\n(?P<output>(?:.*\n)*?)```$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("command", "output"), SHOWN, ids=[command for command, _ in SHOWN])
def test_what_is_shown_is_what_is_printed(
    command: str, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = re.findall(r"^`shop.yaml`:\n\n.*\n```yaml\n((?:.*\n)*?)```$", PAGE, re.MULTILINE)
    (tmp_path / "shop.yaml").write_text(block)
    for name in ("GITHUB_ACTIONS", "GITHUB_WORKSPACE", "EBATS_DOCS_URL"):
        monkeypatch.delenv(name, raising=False)
    shell = f'ebats() {{ {sys.executable} -m ebats "$@"; }}\n{command}'
    done = subprocess.run(
        ["bash", "-c", shell], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
    )
    assert done.stdout == output
    assert (done.returncode, done.stderr) == (1, "")


def test_each_input_of_the_action_has_its_row_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.*?) \|", PAGE, re.MULTILINE))
    for name, about in yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["inputs"].items():
        assert rows[name] == f"`{about['default']}`" or about["default"] == "", name


def test_the_hook_of_the_page_is_there() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert f"- id: {hook['id']}\n" in PAGE
