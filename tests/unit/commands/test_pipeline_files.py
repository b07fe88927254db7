"""Which files `ebats validate` finds in folders."""

from pathlib import Path

import pytest

from ebats.pipelines.problems import UnreadableFile
from ebats.runner.commands import validate
from ebats.runner.commands.pipeline_files import expand

PIPELINE = "version: 1\nname: shop\ntasks: {ship: {python: 'a:b'}}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(folder: Path, name: str, text: str = PIPELINE) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_file_is_itself_whatever_it_is_called_or_has_in_it(folder: Path) -> None:
    put(folder, "notes.txt", "")
    assert expand("notes.txt") == ["notes.txt"]
    assert expand("gone.yaml") == ["gone.yaml"]


def test_a_folder_is_its_pipelines_and_those_of_the_folders_below(folder: Path) -> None:
    for name in ("b/shop.yaml", "a.yml", "b/c/pipeline.yaml"):
        put(folder, name)
    for name in ("ebats.yaml", "b/shop.ebats.yml"):
        put(folder, name, "- whatever")
    found = ["a.yml", "b/c/pipeline.yaml", "b/shop.ebats.yml", "b/shop.yaml", "ebats.yaml"]
    assert expand(".") == found
    assert expand("b") == expand("./b/") == found[1:4]
    assert expand(str(folder)) == [str(folder / name) for name in found]


@pytest.mark.parametrize(
    "text",
    [
        "services: {web: {image: nginx}}\n",
        "version: '3.8'\nname: shop\nqueues: x\nservices: {}\n",  # compose
        "apiVersion: v2\nname: shop\nversion: 0.1.0\n",  # helm
        "version: 3\ntasks: {build: {cmds: [make]}}\n",  # Taskfile
        "name: CI\non: push\njobs: {}\n",  # a workflow
        "x:\n  version: 1\n  name: shop\n  tasks: {}\n",
        "tests: []\n",
        "",
    ],
)
def test_other_yaml_files_are_none(text: str, folder: Path) -> None:
    put(folder, "other.yaml", text)
    with pytest.raises(UnreadableFile):
        expand(".")


def test_a_pipeline_is_known_also_where_it_is_broken(folder: Path) -> None:
    put(folder, "shop.yaml", "version: 1 # ours\r\nname: shop\r\ntasks:\r\n\t- [\r\n")
    assert expand(".") == ["shop.yaml"]


def test_hidden_folders_and_those_of_other_programs_are_left_out(folder: Path) -> None:
    for name in (".git/a.yaml", "node_modules/a/a.yaml", "build/a.yaml", "env/lib/a.yaml"):
        put(folder, name)
    put(folder, "env/pyvenv.cfg", "")
    put(folder, "shop.yaml")
    assert expand(".") == ["shop.yaml"]


def test_what_cannot_be_read_is_told(folder: Path) -> None:
    (folder / "shop.yaml").symlink_to(folder / "gone")
    assert expand(".") == ["shop.yaml"]


def test_a_folder_without_any_is_told_and_the_others_are_checked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "empty").mkdir()
    put(folder, "full/shop.yaml")
    assert validate.main(["empty", "full"], {}) == 2
    said = capsys.readouterr()
    assert said.err == (
        "ebats: there is no pipeline file in empty: call one ebats.yaml or NAME.ebats.yaml, or name it here\n"
    )
    assert said.out.startswith("full/shop.yaml: ok (")


def test_a_file_that_is_named_twice_is_checked_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(folder, "shop.yaml")
    validate.main(["shop.yaml", ".", "./shop.yaml"], {})
    assert capsys.readouterr().out.count("ok") == 1
