"""The variables of a file from the command line: what is given, the environment, an environment file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ebats.pipelines.problems import UnreadableFile, UsageError
from ebats.runner.commands.environ import BadEnvFile, merge, read


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
    with pytest.raises(BadEnvFile, match=r"env:2: error: this is no variable; write NAME=VALUE$"):
        read(path, {})
    with pytest.raises(UnreadableFile, match="can't read /nowhere: No such file"):
        read("/nowhere", {})
    with pytest.raises(UsageError, match="-e takes NAME=VALUE"):
        merge({}, None, ["secret"])
