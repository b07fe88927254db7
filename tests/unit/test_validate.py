"""What `ebats validate` prints beside the files of tests/specs, and its exit codes."""

import io
from pathlib import Path

import pytest

from ebats.pipelines import rules
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import Place, Problem
from ebats.runner.commands import validate
from ebats.runner.commands.problems import count, render, wants_colour

GOOD = "version: 1\nname: shop\n"
BAD = "version: 1\nname: my shop\n"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(BAD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ([], 0),
        (["good.yaml"], 0),
        (["good.yaml", "bad.yaml"], 1),
        (["bad.yaml", "none.yaml", "good.yaml"], 2),
        (["."], 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst_file(files: list[str], code: int, folder: Path) -> None:
    assert validate.main(files, {}) == code


def test_every_file_is_looked_at_and_only_an_unreadable_one_is_told_on_stderr(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    validate.main(["none.yaml", "bad.yaml", "good.yaml"], {})
    output = capsys.readouterr()
    assert output.err == "ebats: can't read none.yaml: No such file or directory\n"
    assert output.out.startswith("bad.yaml:2:7: error[EB108]: `name` can't be `my shop`")
    assert output.out.endswith("good.yaml: ok (0 events, 0 tasks, 0 queues, 0 consumers)\n")


def test_warnings_fail_only_where_they_are_denied(folder: Path) -> None:
    (folder / "good.yaml").write_text(GOOD + "ladders: {unused: [5s]}\n")
    assert validate.main(["good.yaml"], {}) == 0
    assert validate.main(["good.yaml"], {}, validate.Asked(deny_warnings=True)) == 1


@pytest.mark.parametrize(
    ("comment", "code"),
    [
        ("# ebats: ignore[EB233]", 0),
        ("#ebats:ignore[ EB230, eb233 ] it is for next week", 0),
        ("# ebats: ignore[EB230]", 1),
        ("# ebats: ignore", 1),
        ("\n# ebats: ignore[EB233]", 1),
    ],
)
def test_a_warning_is_ignored_by_a_comment_on_its_line(comment: str, code: int, folder: Path) -> None:
    (folder / "good.yaml").write_text(GOOD + f"ladders: {{unused: [5s]}}  {comment}\n")
    assert validate.main(["good.yaml"], {}, validate.Asked(deny_warnings=True)) == code


def test_what_a_layer_says_is_ignored_and_an_error_is_not(folder: Path) -> None:
    (folder / "good.yaml").write_text(GOOD + "# ebats: ignore[EB302, EB306]\n")

    def layer(rule: rules.Rule) -> validate.Asked:
        found = Problem(place=Place(file="good.yaml", line=3, column=1), rule=rule, text="nothing fits")
        return validate.Asked(layers=(lambda _: [found],), deny_warnings=True)

    assert validate.main(["good.yaml"], {}, layer(rules.UNREACHED_TASK)) == 0
    assert validate.main(["good.yaml"], {}, layer(rules.PORT_TAKEN)) == 1


def test_comments_are_those_of_the_text_that_is_given(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = GOOD + "ladders: {unused: [5s]}  # ebats: ignore[EB233]\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert validate.main(["-"], {}, validate.Asked(deny_warnings=True, stdin_filename="good.yaml")) == 0
    assert "warning" not in capsys.readouterr().out


def test_a_layer_looks_at_good_files_only_and_its_errors_fail(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def layer(pipeline: Pipeline) -> list[Problem]:
        place = Place(file="good.yaml", line=2, column=1)
        return [Problem(place=place, rule=rules.PORT_TAKEN, text=f"nothing fits {pipeline.name}")]

    assert validate.main(["bad.yaml", "good.yaml"], {}, validate.Asked(layers=(layer,))) == 1
    assert capsys.readouterr().out.endswith(
        "good.yaml:2:1: error[EB302]: nothing fits shop\n    name: shop\n    ^\ngood.yaml: 1 error\n"
    )


@pytest.mark.parametrize(
    ("line", "column", "caret"),
    [
        ("订单: x", 5, "          ^"),
        ("a:\tb: c", 4, "       ^"),
        ("e\u0301te\u0301: x", 8, "         ^"),
        ("a: 😀 b", 6, "          ^"),
    ],
)
def test_the_caret_stands_below_what_takes_two_columns_or_none(
    line: str, column: int, caret: str, tmp_path: Path
) -> None:
    assert render([problem_in(tmp_path, line, column)]).splitlines()[2] == caret


def test_lines_are_counted_as_yaml_counts_them(tmp_path: Path) -> None:
    problem = problem_in(tmp_path, "a: 1\u2028b: 2\r\nc: 3", 1)
    third = Problem(place=Place(file=problem.place.file, line=3, column=1), rule=problem.rule, text="wrong")
    assert render([third]).splitlines()[1] == "    c: 3"


def problem_in(folder: Path, line: str, column: int) -> Problem:
    file = folder / "f.yaml"
    file.write_text(line)
    return Problem(place=Place(file=str(file), line=1, column=column), rule=rules.CIRCLE, text="wrong")


def test_the_caret_stands_below_the_place_also_behind_wide_characters(tmp_path: Path) -> None:
    _, line, caret = render([problem_in(tmp_path, "订单: x\n", 5)]).splitlines()
    assert (line, caret) == ("    订单: x", "          ^")


def test_an_excerpt_has_no_passwords_and_no_control_characters(tmp_path: Path) -> None:
    text = render([problem_in(tmp_path, "{url: amqp://u:hunter2@h, a: \x1b[31m}\n", 2)])
    assert "hunter2" not in text
    assert "\x1b" not in text


def test_a_problem_is_shown_without_its_line_where_the_file_is_gone() -> None:
    problem = Problem(
        place=Place(file="/none/f.yaml", line=3, column=1),
        rule=rules.WRONG_VALUE,
        text="wrong",
        hint="do this",
    )
    assert render([problem]) == "/none/f.yaml:3:1: error[EB108]: wrong; do this\n"


def test_colour_is_for_terminals_and_can_be_refused(tmp_path: Path) -> None:
    assert wants_colour(Terminal(), {})
    assert not wants_colour(io.StringIO(), {})
    assert not wants_colour(Terminal(), {"NO_COLOR": "1"})
    assert not wants_colour(Terminal(), {"TERM": "dumb"})
    assert "\x1b[1;33mwarning[EB224]\x1b[0m" in render([problem_in(tmp_path, "a", 1)], colour=True)


def test_a_count_names_both_kinds(tmp_path: Path) -> None:
    warning = problem_in(tmp_path, "a", 1)
    error = Problem(place=warning.place, rule=rules.WRONG_VALUE, text="wrong")
    assert count([]) == ""
    assert count([error]) == "1 error"
    assert count([warning, error, error]) == "2 errors, 1 warning"


class Input:
    """A standard input with these bytes."""

    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


def test_standard_input_is_checked_too(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Input(BAD.encode()))
    assert validate.main(["-", "good.yaml"], {}) == 1
    said = capsys.readouterr().out
    assert said.startswith("-:2:7: error[EB108]: `name` can't be `my shop`")
    assert "\n    name: my shop\n          ^\n-: 1 error\ngood.yaml: ok" in said


def test_standard_input_has_the_name_and_the_folder_that_it_is_given(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "below").mkdir()
    (folder / "below" / "order.json").write_text("{}")
    (folder / "below" / "shop.yaml").write_text("what is on the disk isn't looked at")
    with_schema = (
        "tasks: {a: {python: 'a:b'}}\nevents: {e: {schema: order.json, tasks: [a]}}\nladders: {u: [1s]}\n"
    )
    monkeypatch.setattr("sys.stdin", Input((GOOD + with_schema).encode()))
    assert validate.main(["-"], {}, validate.Asked(stdin_filename="below/shop.yaml")) == 0
    said = capsys.readouterr().out
    assert said.startswith("below/shop.yaml:5:11: warning[EB233]")
    assert "\n    ladders: {u: [1s]}\n" in said


def test_each_place_is_where_something_was_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of variables, aliases and merges that is once, where they are filled in from; and included files."""
    (folder / "parts").mkdir()
    (folder / "parts" / "mail.yaml").write_text("tasks:\n  mail: {python: 'a:b', retyr: [5s]}\n")
    (folder / "good.yaml").write_text(
        "version: 1\nname: shop\nx-defaults: &defaults\n  timeout: ${TIMEOUT:-soon}\n"
        "include: [parts/mail.yaml]\ntasks:\n  ship: {<<: *defaults, python: 'a:b', retry: &ladder [5]}\n"
        "  tell: {<<: *defaults, python: 'a:b', retry: *ladder}\n"
    )
    assert validate.main(["good.yaml"], {}) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[0] for line in lines[::3]] == [
        "good.yaml:4:12",
        "good.yaml:7:56",
        "parts/mail.yaml:2:25",
        "good.yaml",
    ]
    assert [line[caret.index("^") :] for line, caret in zip(lines[1::3], lines[2::3], strict=True)] == [
        "${TIMEOUT:-soon}",
        "5]}",
        "retyr: [5s]}",
    ]
