"""What a user gets: the same package from a wheel, an sdist and a download without symbolic links."""

import configparser
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = {"ebats.pipelines": "pipelines", "ebats.runner": "runner", "ebats.schemas": "schemas"}
NOT_COPIED = (".*", "__pycache__", "*.egg-info", "build", "dist", "*.db", "*.db-*", "logs")


def test_every_folder_of_the_package_is_listed() -> None:
    listed = setup_cfg()["options"]["packages"].split()
    assert listed == sorted(["ebats", *packages()])


def test_every_folder_at_the_top_has_its_place_in_the_package() -> None:
    pairs = [line.split(" = ") for line in setup_cfg()["options"]["package_dir"].strip().splitlines()]
    assert dict(pairs) == {"ebats": "src/ebats", **FOLDERS}


def test_the_links_for_type_checkers_lead_to_the_folders() -> None:
    if not (ROOT / "src/ebats/runner").exists():
        assert (ROOT / "PKG-INFO").exists(), "the links are missing"  # an sdist has none
        return
    for folder in FOLDERS.values():
        assert (ROOT / "src/ebats" / folder).resolve() == ROOT / folder


def test_tox_and_ci_run_the_command_of_the_readme() -> None:
    (command,) = re.findall(r"^ +(python3 -m venv .*tox)$", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    assert command in (ROOT / "README.md").read_text()


@pytest.mark.slow
def test_a_wheel_from_a_download_without_links_is_complete(tmp_path: Path) -> None:
    source = copy_without_links(tmp_path / "download")
    build(source, "--wheel", tmp_path / "out")
    assert names_in_wheel(tmp_path / "out") == expected_names()


@pytest.mark.slow
def test_a_wheel_from_the_sdist_is_complete_and_the_sdist_has_the_tests(tmp_path: Path) -> None:
    source = copy_without_links(tmp_path / "download")
    build(source, "--sdist", tmp_path / "out")
    (archive,) = (tmp_path / "out").glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    for folder in ("tests", "examples", "docs"):
        assert files_below(unpacked / folder) == files_below(source / folder), folder
    for name in ("tox.ini", "ruff.toml", "setup.cfg", "pyproject.toml", "CHANGELOG.md", "LICENSE", ".ci/run"):
        assert (unpacked / name).is_file(), name
    build(unpacked, "--wheel", tmp_path / "out")
    assert names_in_wheel(tmp_path / "out") == expected_names()


def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def packages() -> list[str]:
    """Name the packages as the folders have them."""
    return [
        ".".join([package, *path.parent.relative_to(ROOT / folder).parts])
        for package, folder in FOLDERS.items()
        for path in (ROOT / folder).rglob("__init__.py")
    ]


def expected_names() -> set[str]:
    """List what belongs into the wheel, its metadata left out."""
    names = {f"ebats/{path.name}" for path in (ROOT / "src/ebats").glob("*.py")} | {"ebats/py.typed"}
    for folder in FOLDERS.values():
        for pattern in ("*.py", "*.json", "*.md"):
            names |= {f"ebats/{path.relative_to(ROOT)}" for path in (ROOT / folder).rglob(pattern)}
    templates = (ROOT / "runner" / "templates").glob("*/*")
    return names | {f"ebats/{path.relative_to(ROOT)}" for path in templates if path.is_file()}


def copy_without_links(target: Path) -> Path:
    """Copy the working tree as a clone on Windows has it: a link is a file with its target's name."""
    shutil.copytree(ROOT, target, symlinks=True, ignore=shutil.ignore_patterns(*NOT_COPIED))
    shutil.copytree(ROOT / ".ci", target / ".ci")
    for path in [path for path in target.rglob("*") if path.is_symlink()]:
        text = str(path.readlink())
        path.unlink()
        path.write_text(text)
    return target


def build(source: Path, what: str, target: Path) -> None:
    """Build with the setuptools that is installed, for tests need no network."""
    command = [sys.executable, "-m", "build", "--no-isolation", what, "--outdir", str(target), str(source)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=100, check=False, cwd=target.parent
    )
    assert done.returncode == 0, done.stdout + done.stderr


def names_in_wheel(folder: Path) -> set[str]:
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = {name.partition("/")[0] for name in names if not name.startswith("ebats/")}
        assert [re.sub(r"-[0-9.]+[.]", "-N.", name) for name in metadata] == ["ebats-N.dist-info"]
        (entry_points,) = [name for name in names if name.endswith("entry_points.txt")]
        assert {"ebats", "ebats-run"} <= set(archive.read(entry_points).decode().split())
    return {name for name in names if name.startswith("ebats/")}


def files_below(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
