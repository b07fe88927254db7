"""`ebats completion`: what a real shell offers once it has sourced the script."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ebats.pipelines.rules import RULES
from ebats.runner import cli
from ebats.runner.commands.table import COMMANDS

PIPELINE = """\
version: 1
name: shop
tasks: {ship: {python: "tasks:ship"}, tell: {python: "tasks:tell"}}
events: {order_paid: {tasks: [ship, tell]}, mail_came: {tasks: [tell]}}
"""

#: Asks bash as it asks itself at a Tab: the function of `complete`, and the words up to the cursor.
ASK = """\
source "$1"; shift
function=$(complete -p ebats | sed 's/.*-F \\([^ ]*\\).*/\\1/')
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; COMPREPLY=()
"$function" ebats "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def script(shell: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert cli.main(["completion", shell]) == 0
    path = folder / f"ebats.{shell}"
    path.write_text(capsys.readouterr().out)
    return path


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["va"], {"validate"}),
        ([""], set(COMMANDS)),
        (["validate", "--form"], {"--format"}),
        (["validate", "--format", ""], {"text", "json", "github", "sarif"}),
        (["validate", ""], {"shop.yaml", "deploy"}),
        (["validate", "deploy/"], {"deploy/mail.yml"}),
        (["run", "shop.yaml", "--env-file", "n"], {"notes.txt"}),
        (["explain", "EB10"], {id_ for id_ in RULES if id_.startswith("EB10")}),
        (["dead", "re"], {"retry"}),
        (["completion", ""], {"bash", "zsh", "fish"}),
        (["publish", "shop.yaml", "order_p"], {"order_paid"}),
        (["publish", "shop.yaml", "--task", "s"], {"ship"}),
        (["purge", "shop.yaml", "s"], {"ship"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bash_offers_commands_options_choices_files_and_names(
    words: list[str],
    offered: set[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "project"
    (folder / "deploy").mkdir(parents=True)
    for name in ("shop.yaml", "notes.txt", "deploy/mail.yml"):
        (folder / name).write_text(PIPELINE)
    (tmp_path / "ebats").write_text(f'#!/bin/sh\nexec {sys.executable} -m ebats "$@"\n')
    (tmp_path / "ebats").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    asked = ["bash", "-c", ASK, "ask", str(script("bash", tmp_path, capsys)), "ebats", *words]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    # An option ends the arguments before it: what it offers beside its own is as good.
    assert offered - set(done.stdout.split()) == set()
    assert not words[-1] or set(done.stdout.split()) == offered


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_can_read_their_scripts(
    shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = script(shell, tmp_path, capsys)
    text = path.read_text()
    assert "#compdef ebats" in text if shell == "zsh" else "complete -c ebats" in text
    if shutil.which(shell):
        done = subprocess.run([shell, "-n", path], capture_output=True, text=True, timeout=30, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_only_this_command_imports_shtab() -> None:
    code = (
        "import sys; from ebats.runner import cli; cli.main(['explain']); assert 'shtab' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
