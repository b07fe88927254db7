"""`ebats explain`: what it tells of one kind of problem, and of all."""

import json
from pathlib import Path

import pytest

from ebats.pipelines.explanations import explanations
from ebats.pipelines.rules import RULES
from ebats.runner import cli

TEXT = """\
EB009: unset-variable

Error. An environment variable is unset and has no default.
"""


@pytest.mark.parametrize("name", ["EB009", "eb009", "unset-variable"])
def test_a_problem_is_explained_by_its_id_or_its_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", name]) == 0
    told = capsys.readouterr().out
    assert told.startswith(TEXT)
    assert "\nWhat to do: set the variable" in told
    assert "\n    environment: ${SHOP_ENVIRONMENT}\n" in told
    assert (
        "\n    pipeline.yaml:3:14: error[EB009]: the environment variable SHOP_ENVIRONMENT isn't set" in told
    )
    assert told.endswith("                     ^\n")


def test_without_an_id_each_rule_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines] == [
        [rule.id, rule.severity, rule.name] for rule in RULES.values()
    ]


def test_several_are_told_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["explain", "EB103", "EB302"])
    told = capsys.readouterr().out
    assert told.index("EB103: unknown-key\n") < told.index("\n\nEB302: port-taken\n")


def test_what_there_is_not_is_refused_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "unknwn-key"]) == 2
    assert capsys.readouterr().err == "ebats: there is no problem unknwn-key; did you mean `unknown-key`?\n"
    assert cli.main(["explain", "XY"]) == 2
    assert capsys.readouterr().err == "ebats: there is no problem XY; `ebats explain` lists them\n"


def test_programs_get_json(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["explain", "--format", "json"])
    assert [each["id"] for each in json.loads(capsys.readouterr().out)] == list(RULES)
    cli.main(["explain", "EB107", "--format", "json"])
    (told,) = json.loads(capsys.readouterr().out)
    assert told.keys() == {"id", "name", "severity", "about", "why", "mend", "example", "output"}
    assert told["output"].startswith("pipeline.yaml:3:8: error[EB107]: `grace` can't be `30`")


def test_what_is_shown_of_an_import_is_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its example isn't run by the test of all examples, for it needs a module beside it."""
    told = explanations()["EB301"]
    (tmp_path / "tasks.py").write_text("def ship(order_id=None): ...\n")
    (tmp_path / "pipeline.yaml").write_text(told.example)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["validate", "--format", "text", "pipeline.yaml"]) == 1
    assert capsys.readouterr().out == f"{told.printed}pipeline.yaml: 1 error\n"
