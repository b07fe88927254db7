"""What commands say of paths at which nobody may look: one sentence, and no traceback."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ebats.runner.cli import main

LONG = "x" * 300
PIPELINE = "version: 1\nname: shop\ntasks: {ship: {python: 'a:b'}}\nevents: {paid: {tasks: [ship]}}\n"
READING = ("validate", "test", "graph", "config", "list tasks", "init", "schema -o")


@pytest.fixture(autouse=True)
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "locked"
    folder.mkdir()
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    (tmp_path / "including.yaml").write_text(PIPELINE + "include: [locked/more.yaml]\n")
    folder.chmod(0)
    yield folder
    folder.chmod(0o700)


@pytest.mark.parametrize("command", READING)
def test_a_name_that_no_file_can_have(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), LONG]) in (1, 2)
    output = capsys.readouterr()
    assert output.err.startswith("ebats: can't ")
    assert "File name too long" in output.err
    assert output.err.count("\n") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
@pytest.mark.parametrize("command", READING)
def test_a_file_in_a_locked_folder(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "locked/a.yaml"]) in (1, 2)
    output = capsys.readouterr()
    assert output.err.startswith("ebats: can't ")
    assert "Permission denied" in output.err
    assert output.err.count("\n") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
@pytest.mark.parametrize("command", ["validate", "test"])
def test_a_locked_folder_among_others_is_told(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "."]) == 2
    assert capsys.readouterr().err == "ebats: can't read ./locked: Permission denied\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
def test_an_included_file_in_a_locked_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--no-import", "including.yaml"]) == 1
    told = "including.yaml:5:11: error[EB014]: `locked/more.yaml` can't be read: Permission denied"
    assert told in capsys.readouterr().out


def test_a_pipeline_is_not_made_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "pipeline.yaml"]) == 1
    assert capsys.readouterr().err == "ebats: pipeline.yaml is a file; choose another folder\n"
