"""The variables of a file from the command line: what is given, the environment, an environment file."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ebats.pipelines.problems import BadFile, UnreadableFile, UsageError
from ebats.runner import cli
from ebats.runner.commands.environ import merge, read


@pytest.fixture
def env_file(tmp_path: Path) -> Callable[[str], str]:
    """Write an environment file."""

    def write(text: str) -> str:
        path = tmp_path / "env"
        path.write_text(text)
        return str(path)

    return write


def test_given_variables_beat_the_environment_which_beats_the_file(env_file: Callable[[str], str]) -> None:
    path = env_file("A=file\nB=file\nC=file\n")
    assert merge({"A": "env", "B": "env"}, path, ["A=given"]) == {"A": "given", "B": "env", "C": "file"}


def test_an_env_file_has_comments_quotes_and_exports(env_file: Callable[[str], str]) -> None:
    path = env_file("# a comment\n\n A = 1 \nexport B='x y'\nC=\"a#b\"\nD=\nE=x=y\n")
    assert read(path, {}) == {"A": "1", "B": "x y", "C": "a#b", "D": "", "E": "x=y"}


def test_what_is_no_variable_is_refused_without_showing_it(env_file: Callable[[str], str]) -> None:
    path = env_file("A=1\nsecret\n")
    with pytest.raises(BadFile) as caught:
        read(path, {})
    assert str(caught.value.problems[0]) == f"{path}:2:1: error[EB013]: this is no variable; write NAME=VALUE"
    with pytest.raises(UnreadableFile, match="can't read /nowhere: No such file"):
        read("/nowhere", {})
    with pytest.raises(UnreadableFile, match="larger than 1 MiB"):
        read("/dev/zero", {})
    with pytest.raises(UsageError, match="-e takes NAME=VALUE"):
        merge({}, None, ["secret"])


def test_a_bad_env_file_is_a_problem_as_any_other(
    env_file: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = env_file("A=1\nsecret\n")
    file = tmp_path / "shop.yaml"
    file.write_text("version: 1\nname: shop\n")
    assert cli.main(["validate", "--format", "json", "--env-file", path, str(file)]) == 1
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["id"], problem["file"], problem["line"]) == ("EB013", path, 2)
    for format_ in ("text", "github", "sarif"):
        assert cli.main(["validate", "--format", format_, "--env-file", path, str(file)]) == 1
        assert "secret\n" not in capsys.readouterr().out
    assert cli.main(["plan", "--env-file", path, str(file)]) == 78
    told = capsys.readouterr().err
    assert told == f"{path}:2:1: error[EB013]: this is no variable; write NAME=VALUE\n"
