"""What is shown of cases that fail: tables side by side, sentences, JUnit's XML, JSON."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from ebats.pipelines.cases import (
    Answer,
    Case,
    Containing,
    Death,
    Expectation,
    ExpectedDeath,
    ExpectedMessage,
    ExpectedRun,
    PublishedMessage,
    Rehearsed,
    Run,
)
from ebats.pipelines.comparison import compare
from ebats.pipelines.problems import Place
from ebats.runner.commands import cases_json, cases_junit, cases_text
from ebats.runner.commands.cases_table import moment
from ebats.runner.commands.cases_tried import Tried

HERE = Place(file="shop_test.yaml", line=2, column=5)
NOTHING = Rehearsed(runs=(), published=(), dead=())


def at(line: int) -> Place:
    return Place(file="shop_test.yaml", line=line, column=9)


def check(name: str, text: str) -> None:
    """Hold a report against the file of that name; EBATS_TEST_WRITE=1 writes it, to be looked at."""
    file = Path(__file__).with_name(f"cases_report_{name}.txt")
    if os.environ.get("EBATS_TEST_WRITE"):
        file.write_text(text, "utf-8")
    assert text == file.read_text("utf-8")


def run(task: str, at_ms: int = 0, **more: Any) -> Run:
    given = {
        "id": "m1",
        "event": None,
        "queue": task,
        "attempt": 1,
        "outcome": "success",
        "payload": {},
        **more,
    }
    return Run(task=task, at_ms=at_ms, **given)


def tried(expect: Expectation, came: Rehearsed, **more: Any) -> Tried:
    case = Case(name="a case", messages=(), answers={"ship": (Answer(real=True),)}, expect=expect, place=HERE)
    return Tried(
        file="shop.yaml",
        case=case,
        came=came,
        differences=compare(expect, came, HERE),
        seconds=0.0004,
        **more,
    )


def test_runs_stand_side_by_side_with_marks_for_all_that_is_wrong() -> None:
    expect = Expectation(
        runs=(
            ExpectedRun(task="ship", at_ms=0, outcome="retry", payload={"who": "玛丽", "n": 1}, place=at(5)),
            ExpectedRun(task="ship", at_ms=1500, attempt=2, place=at(6)),
            ExpectedRun(task="tell", place=at(7)),
        ),
        places={"runs": at(4)},
    )
    came = (
        run("ship", outcome="retry", payload={"who": "玛丽", "n": 2}, error="ebats.Retry: busy"),
        run("ship", 90_000, attempt=2, outcome="dead", error="OSError"),
        run("note", 28_801_000, attempt=3, outcome="retry", error="ValueError: no\nway"),
    )
    check("runs", cases_text.report(tried(expect, replace(NOTHING, runs=came))))


def test_published_messages_and_dead_letters_have_tables_of_their_own() -> None:
    expect = Expectation(
        published=(
            ExpectedMessage(
                kind="event", event="lost", at_ms=0, payload=Containing(payload={"a": 1}), place=at(5)
            ),
            ExpectedMessage(kind="reply", event="answers", place=at(6)),
        ),
        dead=(ExpectedDeath(task=None, reason="unrouted", place=at(8)), ExpectedDeath(place=at(9))),
    )
    published = (PublishedMessage(id="x", kind="event", event="lost", at_ms=0, payload={"b": None}),)
    dead = (
        Death(
            id="m1", task="ship", event=None, at_ms=0, reason="failed", attempts=1, payload={}, error="E: x"
        ),
    )
    check("others", cases_text.report(tried(expect, replace(NOTHING, published=published, dead=dead))))


def test_functions_show_where_they_raised_and_what_they_printed_the_end_of_it() -> None:
    expect = Expectation(dead=(ExpectedDeath(place=at(5)),))
    came = replace(
        NOTHING, runs=(run("ship", traceback="  File x\n    raise\n"), run("tell", traceback="no"))
    )
    printed = "".join(f"line {number}\n" for number in range(60))
    found = cases_text.report(tried(expect, came, printed=printed))
    assert "  `ship` raised in attempt 1:\n      File x\n        raise\n" in found
    assert "no" not in found.split("raised")[1].split("printed")[0].replace("note", "")
    assert "  printed: (the last 50 lines of 60)\n    line 10\n" in found


def test_what_stopped_a_case_and_what_is_left_is_told() -> None:
    came = replace(NOTHING, stopped="it came to no end", waiting={"ship": 3})
    found = tried(Expectation(runs=()), came, trouble="it came to no end")
    assert not found.is_good
    assert cases_text.report(found) == (
        "shop_test.yaml:2:5: a case\n  it came to no end\n  left waiting: 3 in ship\n"
    )
    root = ElementTree.fromstring(cases_junit.document([found], "2026-01-02T03:04:05+00:00"))
    assert (root.attrib["errors"], root.attrib["failures"]) == ("1", "0")
    (error,) = root.iter("error")
    assert error.attrib["message"] == "it came to no end"


def test_of_thousands_of_rows_the_first_are_shown() -> None:
    came = replace(NOTHING, runs=tuple(run("ship", number) for number in range(3000)))
    lines = cases_text.report(tried(Expectation(runs=()), came)).splitlines()
    assert len(lines) == 104
    assert (lines[52], lines[-1]) == ("  ... and 2,952 more lines", "  ... and 2,950 more differences")


def test_colour_is_on_what_differs_and_changes_no_letter() -> None:
    expect = Expectation(runs=(ExpectedRun(task="ship", at_ms=1, place=at(5)),))
    one = tried(expect, replace(NOTHING, runs=(run("ship"),)))
    coloured = cases_text.report(one, colour=True)
    assert "\x1b[31m0s\x1b[0m" in coloured
    plain = coloured.replace("\x1b[31m", "").replace("\x1b[0m", "").replace("\x1b[1m", "")
    assert plain == cases_text.report(one)
    assert "\x1b[31mFAILED" in cases_text.line(one, colour=True)
    assert cases_text.line(one) == "FAILED   0.4 ms  a case\n"


def test_the_summary_counts() -> None:
    good = tried(Expectation(runs=()), NOTHING)
    bad = tried(Expectation(runs=()), replace(NOTHING, runs=(run("ship"),)))
    assert cases_text.summary([good], 0.5) == "1 case: all passed in 0.50 s\n"
    assert cases_text.summary([good, bad, bad], 1.234) == "3 cases: 2 failed, 1 passed in 1.23 s\n"
    assert cases_text.took(61.5) == "61.50 s"


def test_junit_holds_texts_that_xml_can_not() -> None:
    expect = Expectation(runs=())
    one = tried(
        expect,
        replace(NOTHING, runs=(run("ship", error="\x00\x1b[31m <&> \ud800"),)),
        printed="\x07\ufffe<b>",
    )
    one = replace(one, case=replace(one.case, name="\x08 ]]> 玛丽"))
    found = cases_junit.document([one], "2026-01-02T03:04:05+00:00")
    (case,) = ElementTree.fromstring(found).iter("testcase")
    assert case.attrib["name"] == "\ufffd ]]> 玛丽"
    assert case.findtext("system-out") == "\ufffd\ufffd<b>"


def test_junit_has_a_suite_for_each_file() -> None:
    good = tried(Expectation(runs=()), NOTHING)
    other = replace(good, file="a/b/other.yaml")
    root = ElementTree.fromstring(cases_junit.document([good, other, good], "2026-01-02T03:04:05+00:00"))
    assert [(suite.attrib["name"], suite.attrib["tests"]) for suite in root] == [
        ("shop.yaml", "2"),
        ("a/b/other.yaml", "1"),
    ]
    assert [case.attrib["classname"] for case in root.iter("testcase")] == ["shop", "shop", "a.b.other"]
    assert {suite.attrib["timestamp"] for suite in root} == {"2026-01-02T03:04:05+00:00"}


def test_json_has_bytes_as_texts() -> None:
    one = tried(Expectation(runs=()), replace(NOTHING, runs=(run("ship", payload=b"\xff"),)))
    found = json.loads(cases_json.document([one], 0.1))
    assert found["cases"][0]["runs"][0]["payload"] == "\\xff"
    assert (
        found["cases"][0]["findings"][0]["text"]
        == "`ship` was run at 0s, attempt 1, success: it isn't expected"
    )


@pytest.mark.parametrize(
    ("ms", "written"),
    [
        (0, "0s"),
        (1, "1ms"),
        (1500, "1s500ms"),
        (90_000, "1m30s"),
        (28_801_000, "8h1s"),
        (2_678_400_000, "31d"),
    ],
)
def test_a_moment_is_written_as_in_the_file(ms: int, written: str) -> None:
    assert moment(ms) == written
