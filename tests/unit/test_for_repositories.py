"""What users' repositories take from this one: a hook for pre-commit, an action for workflows of GitHub."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.test_packaging import copy_without_links

ROOT = Path(__file__).parents[2]
GOOD = "version: 1\nname: shop\ntasks: {ship: {python: 'tasks:ship'}}\nevents: {paid: {tasks: [ship]}}\n"
BAD = GOOD + "grace: 30\n"
WARNED = GOOD + "ladders: {unused: [1s]}\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Somebody's repository, with what the machine of a workflow has around it."""
    folder = tmp_path / "repository"
    (folder / "deploy/eu").mkdir(parents=True)
    (folder / "shop.ebats.yaml").write_text(GOOD)
    (folder / "deploy/eu/mail.yaml").write_text(BAD)
    (folder / "warned.yaml").write_text(WARNED)
    (folder / "compose.yaml").write_text("services: {}\n")
    (folder / "tasks.py").write_text("def ship(order_id=None): ...\n")
    return folder


def hook() -> dict[str, Any]:
    (found,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("name", "is_checked"),
    [
        ("ebats.yaml", True),
        ("ebats.yml", True),
        ("deploy/shop.ebats.yaml", True),
        ("deploy/ebats.yaml", True),
        ("compose.yaml", False),
        ("myebats.yaml", False),
        ("ebats.yaml.j2", False),
        ("ebats_test.yaml", False),
    ],
)
def test_the_hook_is_for_files_of_these_names(name: str, is_checked: bool) -> None:
    # https://pre-commit.com/#hooks-files: re.search
    assert bool(re.search(hook()["files"], name)) == is_checked


def test_the_hook_checks_the_files_that_it_is_given(repository: Path) -> None:
    """pre-commit puts the names of the changed files behind the entry, as xargs does."""
    name, *arguments = shlex.split(hook()["entry"])
    assert name == "ebats"
    call = [sys.executable, "-m", "ebats", *arguments]
    done = run([*call, "shop.ebats.yaml", "deploy/eu/mail.yaml"], repository)
    assert done.returncode == 1
    assert done.stdout.startswith(
        "shop.ebats.yaml: ok (1 event, 1 task, 1 queue, 1 consumer)\ndeploy/eu/mail"
    )
    assert "\ndeploy/eu/mail.yaml: 1 error\n" in done.stdout
    assert run([*call, "shop.ebats.yaml"], repository).returncode == 0


def action() -> dict[str, Any]:
    found = yaml.safe_load((ROOT / "action.yml").read_text())
    assert isinstance(found, dict)
    return found


def step() -> dict[str, Any]:
    (found,) = action()["runs"]["steps"]
    assert isinstance(found, dict)
    return found


def play(
    repository: Path, inputs: dict[str, str], action_path: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Do what GitHub's runner does with the action: its script in bash, with its inputs."""
    bin_ = repository.parent / "bin"
    bin_.mkdir(exist_ok=True)
    (bin_ / "ebats").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m ebats "$@"\n')
    (bin_ / "ebats").chmod(0o755)
    contexts = {
        "github.action_path": str(action_path),
        "github.action_repository": "shop/ebats",
        "github.action_ref": "v1",
        **{f"inputs.{name}": about["default"] for name, about in action()["inputs"].items()},
        **{f"inputs.{name}": value for name, value in inputs.items()},
    }
    environ = {
        name: re.sub(r"\$\{\{ (.*?) \}\}", lambda found: contexts[found[1]], value)
        for name, value in step()["env"].items()
    }
    machine = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://git.shop.example",
        "GITHUB_WORKSPACE": str(repository),
        "RUNNER_TEMP": str(repository.parent),
        "PATH": f"{bin_}:{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    # https://docs.github.com: how `shell: bash` is called.
    call = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step()["run"]]
    return run(call, repository, os.environ | machine | environ)


def run(
    call: list[str], folder: Path, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        call, capture_output=True, text=True, timeout=120, check=False, cwd=folder, env=environ
    )


def test_the_action_puts_annotations_on_the_lines(repository: Path) -> None:
    done = play(repository, {"import": "true", "files": "shop.ebats.yaml deploy/**/*.yaml"})
    assert (done.returncode, done.stderr) == (1, "")
    first, *_, last = done.stdout.splitlines()
    assert first.startswith("::error file=deploy/eu/mail.yaml,line=5,col=8,title=EB107 wrong-type::")
    assert first.endswith("%0Ahttps://git.shop.example/shop/ebats/blob/v1/docs/problems.md#eb107-wrong-type")
    assert last == "2 files: 1 error"


def test_the_action_takes_its_inputs(repository: Path) -> None:
    whole = {"import": "true", "files": "warned.yaml"}
    assert play(repository, whole).returncode == 0
    assert play(repository, whole | {"deny-warnings": "true"}).returncode == 1
    (repository / "vars").write_text("SHOP=eu\n")
    (repository / "warned.yaml").write_text(GOOD + "environment: ${SHOP}\n")
    assert play(repository, whole).returncode == 1
    assert play(repository, whole | {"env-file": "vars"}).returncode == 0
    done = play(repository, whole | {"env-file": "vars", "format": "sarif", "output": "found.sarif"})
    assert (done.returncode, done.stdout) == (0, "")
    assert '"version": "2.1.0"' in (repository / "found.sarif").read_text()
    gone = play(repository, whole | {"files": "none/*.yaml", "env-file": "vars"})
    assert (gone.returncode, "can't read none/" in gone.stdout) == (2, True)


@pytest.mark.slow
def test_what_stands_in_an_input_is_never_run(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where it would install itself it ends there: nothing is fetched.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    for name in action()["inputs"]:
        play(
            repository,
            {"import": "true", "files": "warned.yaml", name: "; touch ran; $(touch ran) `touch ran`"},
        )
    assert not (repository / "ran").exists()
    assert "${{" not in step()["run"]


@pytest.mark.slow
def test_the_action_installs_itself_in_an_environment_of_its_own(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a network: what ebats needs is taken from here."""
    source = copy_without_links(tmp_path / "action")
    for name in ("PIP_NO_INDEX", "PIP_NO_DEPS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "0")  # pip's way to say that there is none
    packages = [path for path in sys.path if path.endswith("site-packages")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(packages))
    done = play(repository, {"files": "deploy"}, source)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("::error file=deploy/eu/mail.yaml,line=5,col=8,")
    assert (tmp_path / "ebats/bin/ebats").exists()
    shutil.rmtree(tmp_path / "ebats")
