"""Files of variables, by compose's rules, and the `.env` beside a file."""

from pathlib import Path

import pytest

from ebats.pipelines import rules
from ebats.pipelines.dotenv import BadLine, Complete, parse
from ebats.pipelines.load import examine
from ebats.pipelines.problems import BadFile

HEAD = "version: 1\nname: shop\nenvironment: ${WHERE:-nowhere}\n"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=VAL", "VAL"),
        ("A =VAL", "VAL"),
        ("A= VAL ", "VAL"),
        (" \tA=VAL", "VAL"),
        ("A: VAL", "VAL"),
        ("A=VAL\r\n", "VAL"),
        ("export A=VAL", "VAL"),
        ("# comment\n\n A=VAL", "VAL"),
        ("A=", ""),
        ("A='VAL'", "VAL"),
        ('A="VAL"', "VAL"),
        ("A=x=y=", "x=y="),
        ("A=x:y", "x:y"),
        ("A=VAL # comment", "VAL"),
        ("A=VAL# not a comment", "VAL# not a comment"),
        ("A=#comment", ""),
        ('A="VAL # not a comment" # one', "VAL # not a comment"),
        ("A='$OTHER ${OTHER}'", "$OTHER ${OTHER}"),
        ("A='Let\\'s go!'", "Let's go!"),
        ('A="{\\"hello\\": \\"json\\"}"', '{"hello": "json"}'),
        ('A="some\\tvalue\\n"', "some\tvalue\n"),
        ("A='some\\tvalue'", "some\\tvalue"),
        ("A=some\\tvalue", "some\\tvalue"),
        ('A="a\\\\b\\q"', "a\\b\\q"),
        ('A="one\ntwo"', "one\ntwo"),
        ("A='one\ntwo'\nB=1", "one\ntwo"),
        ("A=$OTHER", "env"),
        ("A=${OTHER:-x}y", "envy"),
        ('A="${NONE:-x}"', "x"),
        ("B=b\nA=$B", "b"),
        ("OTHER=file\nA=$OTHER", "env"),
        ("A=1\nA=2", "2"),
        ('A="\\$OTHER"', "$OTHER"),
        ("A=$$OTHER", "$OTHER"),
    ],
)
def test_a_value_is_read_as_compose_does(text: str, value: str) -> None:
    assert parse(text, {"OTHER": "env"})["A"] == value


@pytest.mark.parametrize(
    ("text", "line", "wrong"),
    [
        ("A=1\nhunter2", 2, "no variable"),
        ("A=1\n\n=hunter2", 3, "no variable"),
        ("hunter2 is it", 1, "no variable"),
        ('A="hunter2', 1, "no closing"),
        ("A='one\ntwo'\nB='hunter2", 3, "no closing"),
        ('A="x" hunter2', 1, "behind the closing quote"),
        ("A=a$hunter2", 1, "hunter2 isn't set"),
        ("A=hunter2$", 1, "single `\\$`"),
    ],
)
def test_what_is_no_variable_is_told_with_its_line(text: str, line: int, wrong: str) -> None:
    with pytest.raises(BadLine, match=wrong) as caught:
        parse(text, {})
    assert caught.value.line == line
    assert caught.value.hint


def test_a_name_alone_is_one_that_the_environment_has() -> None:
    assert parse("A\nB=1\n", {"A": "env"}) == {"B": "1"}


def environment_of(file: Path, environ: dict[str, str]) -> str | None:
    return examine(str(file), environ).pipeline.environment


def test_the_env_beside_the_file_is_read_and_the_environment_beats_it(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(HEAD)
    assert environment_of(file, {}) == "nowhere"
    (tmp_path / ".env").write_text("WHERE=here\n")
    assert environment_of(file, {}) == "here"
    assert environment_of(file, {"WHERE": "there"}) == "there"
    assert environment_of(file, Complete()) == "nowhere"


def test_the_env_is_looked_for_beside_the_file_not_where_the_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "shop.yaml").write_text(HEAD)
    (tmp_path / ".env").write_text("WHERE=here\n")
    monkeypatch.chdir(tmp_path)
    assert environment_of(Path("a/shop.yaml"), {}) == "nowhere"
    monkeypatch.chdir(tmp_path / "a")
    (tmp_path / "a" / ".env").write_text("WHERE=beside\n")
    assert environment_of(Path("shop.yaml"), {}) == "beside"


def test_a_folder_called_so_is_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(HEAD)
    (tmp_path / ".env").mkdir()
    assert environment_of(tmp_path / "shop.yaml", {}) == "nowhere"


@pytest.mark.parametrize(
    ("content", "line"), [(b"A=1\nhunter2 x\n", 2), (b"A=\xff\n", 1), (b"A=" + b"x" * 1_048_576, 1)]
)
def test_a_bad_one_is_a_problem_at_its_line(tmp_path: Path, content: bytes, line: int) -> None:
    (tmp_path / "shop.yaml").write_text(HEAD)
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(BadFile) as caught:
        examine(str(tmp_path / "shop.yaml"), {})
    (problem,) = caught.value.problems
    assert (problem.place.file, problem.place.line) == (str(tmp_path / ".env"), line)
    assert problem.rule is rules.BAD_ENV_FILE
    assert "hunter2" not in str(problem)
