"""What `ebats validate` prints for programs: JSON, annotations of GitHub, SARIF."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as SarifLog

from ebats.runner import cli
from ebats.runner.commands.report import FORMATS
from ebats.runner.commands.table_validate import COMMANDS

GOOD = "version: 1\nname: shop\ntasks: {ship: {python: 'a:b'}}\nevents: {paid: {tasks: [ship]}}\n"
WARNED = GOOD + "ladders: {unused: [5s]}\n"
#: A key with what each format has to escape: a percent sign, a comma, a colon, a line end, a quote.
BAD = GOOD + '"a%0A,:\\n\\"b": 1\ngrace: 30\n'

Printed = Callable[..., str]


@pytest.fixture
def printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Printed:
    """Return what is printed for a folder of files with these arguments, and check the exit code."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_WORKSPACE", "EBATS_DOCS_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, text in (("good.yaml", GOOD), ("warned.yaml", WARNED), ("bad one.yaml", BAD)):
        (tmp_path / name).write_text(text)

    def call(*arguments: str, code: int = 1) -> str:
        assert cli.main(["validate", "--no-import", *arguments]) == code
        return capsys.readouterr().out

    return call


def parsed(text: str) -> Any:
    return json.loads(text)


def test_json_is_one_object_with_files_problems_and_counts(printed: Printed) -> None:
    found = parsed(printed("--format", "json", "good.yaml", "warned.yaml", "bad one.yaml", "no.yaml", code=2))
    assert list(found) == ["files", "problems", "counts"]
    assert found["counts"] == {"files": 4, "unreadable": 1, "errors": 2, "warnings": 1}
    good, _, bad, gone = found["files"]
    assert good == {
        "file": "good.yaml",
        "status": "good",
        "reason": None,
        "contents": {"events": 1, "tasks": 1, "queues": 1, "consumers": 1},
        "errors": 0,
        "warnings": 0,
    }
    assert (bad["status"], bad["contents"], bad["errors"]) == ("bad", None, 2)
    assert (gone["status"], gone["reason"]) == (
        "unreadable",
        "can't read no.yaml: No such file or directory",
    )
    assert found["problems"][0] == {
        "id": "EB233",
        "name": "unused-ladder",
        "severity": "warning",
        "file": "warned.yaml",
        "line": 5,
        "column": 11,
        "text": "no task uses the ladder `unused`",
        "hint": "take it out",
        "url": "urn:ebats:problems:EB233",
    }


def test_links_lead_to_where_the_documentation_is_published(
    printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EBATS_DOCS_URL", "https://docs.shop.example/ebats/")
    url = "https://docs.shop.example/ebats/problems.md#eb233-unused-ladder"
    assert parsed(printed("--format", "json", "warned.yaml", code=0))["problems"][0]["url"] == url
    rules = parsed(printed("--format", "sarif", "warned.yaml", code=0))["runs"][0]["tool"]["driver"]["rules"]
    assert rules[0]["helpUri"] == url
    assert printed("--format", "github", "warned.yaml", code=0).splitlines()[0].endswith(f"%0A{url}")


#: As GitHub's runner reads them: actions/runner, src/Runner.Common/ActionCommand.cs.
COMMAND = re.compile(r"::(?P<name>\w+) (?P<properties>[^:]*)::(?P<message>.*)")


def unescaped(text: str) -> str:
    for escape, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escape, char)
    return text


def annotations(text: str) -> list[tuple[str, dict[str, str], str]]:
    return [
        (
            found["name"],
            {
                name: unescaped(value)
                for name, value in (pair.split("=", 1) for pair in found["properties"].split(","))
            },
            unescaped(found["message"]),
        )
        for line in text.splitlines()
        if (found := COMMAND.fullmatch(line))
    ]


def test_github_gets_an_annotation_on_each_line(printed: Printed) -> None:
    text = printed("--format", "github", "good.yaml", "bad one.yaml", "no: a,b.yaml", code=2)
    (_, key, message), (name, value, _), (_, gone, why) = annotations(text)
    assert key == {"file": "bad one.yaml", "line": "5", "col": "1", "title": "EB103 unknown-key"}
    # The line end in the key is a blank in all messages.
    assert message.startswith('bad one.yaml:5:1: there is no key `a%0A,: "b` here; ')
    assert message.endswith("\nebats explain EB103")
    assert "`a%250A,: " in text
    assert (name, value["line"], value["col"]) == ("error", "6", "8")
    assert gone == {"file": "no: a,b.yaml", "title": "ebats"}
    assert why == "can't read no: a,b.yaml: No such file or directory"
    assert "good.yaml: ok (1 event, 1 task, 1 queue, 1 consumer)\n" in text
    assert text.endswith("\n3 files: 2 errors, 1 unreadable\n")


def test_github_is_told_how_many_where_it_shows_only_ten_of_a_kind(printed: Printed, tmp_path: Path) -> None:
    (tmp_path / "many.yaml").write_text(GOOD + "".join(f"z{number}: 1\n" for number in range(11)))
    *problems, count = annotations(printed("--format", "github", "many.yaml"))
    assert len(problems) == 11
    assert count == (
        "notice",
        {"title": "ebats"},
        "1 file: 11 errors; GitHub shows 10 of a kind, and the log of this step has all",
    )


def test_github_is_chosen_by_itself_in_its_workflows(
    printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert printed("good.yaml", code=0).startswith("good.yaml: ok")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert printed("bad one.yaml").startswith("::error file=bad one.yaml,line=5,")
    assert printed("--format", "text", "bad one.yaml").startswith("bad one.yaml:5:1: error[EB103]")


def test_paths_are_relative_to_the_repository_not_to_the_folder_of_the_step(
    printed: Printed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "shop.yaml").write_text(BAD)
    monkeypatch.chdir(tmp_path / "deploy")
    assert "::error file=deploy/shop.yaml,line=6" in printed("--format", "github", "shop.yaml")
    assert "::error file=deploy/shop.yaml,line=6" in printed(
        "--format", "github", str(tmp_path / "deploy" / "shop.yaml")
    )
    (location,) = {result["uri"] for result in artifacts(printed("--format", "sarif", "shop.yaml"))}
    assert location == "deploy/shop.yaml"


def artifacts(text: str) -> list[dict[str, str]]:
    results = parsed(text)["runs"][0]["results"]
    return [
        place["physicalLocation"]["artifactLocation"] for result in results for place in result["locations"]
    ]


def test_sarif_is_what_its_schema_says(printed: Printed) -> None:
    for files, code in ((["good.yaml"], 0), (["warned.yaml", "bad one.yaml"], 1), (["no.yaml"], 2)):
        text = printed("--format", "sarif", *files, code=code)
        SarifLog.model_validate_json(text, strict=False)
        assert parsed(text)["runs"][0]["columnKind"] == "unicodeCodePoints"


def test_sarif_has_rules_results_and_places(printed: Printed) -> None:
    run = parsed(printed("--format", "sarif", "warned.yaml", "bad one.yaml"))["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["EB103", "EB107", "EB233"]
    assert rules[0]["help"]["markdown"].count("```") == 2
    assert rules[0]["helpUri"] == "urn:ebats:problems:EB103"
    assert rules[2]["defaultConfiguration"] == {"level": "warning"}
    assert run["invocations"][0]["executionSuccessful"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert run["results"][2] == {
        "ruleId": "EB107",
        "ruleIndex": 1,
        "level": "error",
        "message": {
            "text": "`grace` can't be `30`: it must be a duration; add its unit: 30s, 30m, 30h or 30d"
        },
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "bad%20one.yaml", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 6, "startColumn": 8},
                }
            }
        ],
    }


def test_sarif_names_what_lies_outside_by_its_whole_path(
    printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    first, *_ = artifacts(printed("--format", "sarif", "../bad one.yaml"))
    assert list(first) == ["uri"]
    assert unquote(first["uri"]) == f"file://{tmp_path.resolve()}/bad one.yaml"


def test_sarif_tells_what_could_not_be_read_apart_from_the_results(printed: Printed) -> None:
    run = parsed(printed("--format", "sarif", "no.yaml", code=2))["runs"][0]
    (invocation,) = run["invocations"]
    assert not invocation["executionSuccessful"]
    assert invocation["toolExecutionNotifications"][0]["message"]["text"].startswith("can't read no.yaml")
    assert run["results"] == []


def test_the_help_has_all_formats() -> None:
    import argparse

    parser = argparse.ArgumentParser()
    COMMANDS["validate"].add_arguments(parser)
    (option,) = (each for each in parser._actions if each.dest == "format")
    assert option.choices == FORMATS
