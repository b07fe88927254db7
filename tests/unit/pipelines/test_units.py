"""What somebody meant by a duration, a size or a percentage that is none."""

import pytest

from ebats.pipelines.load import from_bytes
from ebats.pipelines.problems import BadFile
from ebats.pipelines.units import Kind, meant, meant_as


@pytest.mark.parametrize(
    ("kind", "written", "near"),
    [
        ("duration", "10 sec", "10s"),
        ("duration", "30sec", "30s"),
        ("duration", "5 minutes", "5m"),
        ("duration", "1m 30s", "1m30s"),
        ("duration", "1 Hour", "1h"),
        ("duration", "10S", "10s"),
        ("duration", "1.5h", "90m"),
        ("duration", "2w", "14d"),
        ("duration", "1 week 1d", "8d"),
        ("size", "5mb", "5MB"),
        ("size", "5 MB", "5MB"),
        ("size", "20M", "20MB"),
        ("size", "1Mi", "1MiB"),
        ("size", "1.5gb", "1500MB"),
        ("percentage", "10%%", "10%"),
        ("percentage", "5 %", "5%"),
        ("percentage", "5 percent", "5%"),
        ("percentage", 5, "5%"),
        ("percentage", "0.5 %", "0.5%"),
    ],
)
def test_a_wrong_unit_has_a_suggestion(kind: Kind, written: object, near: str) -> None:
    assert meant_as(kind, written) == f"did you mean `{near}`?"


@pytest.mark.parametrize("written", [10, "10", " 10 "])
def test_a_number_alone_is_asked_for_its_unit(written: object) -> None:
    assert meant_as("duration", written) == "add its unit: 10s, 10m, 10h or 10d"


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        *(
            ("duration", each)
            for each in ("abc", "", "-5s", "90x", "0.2ms", True, None, [], "9" * 40 + "h", "٣s")
        ),
        *(("size", each) for each in (1000, "500 bytes", "0.5kb", "0mb", "abc", "1.5kib", "5mm")),
        *(("percentage", each) for each in ("0.5", 0.05, "x%", "half")),
    ],
)
def test_what_cannot_be_told_is_not_guessed(kind: Kind, written: object) -> None:
    assert meant_as(kind, written) == ""


def test_where_both_are_taken_the_unit_decides() -> None:
    wanted = "must be a size or a duration"
    assert meant(wanted, "20mb") == "did you mean `20MB`?"
    assert meant(wanted, "20 hours") == "did you mean `20h`?"
    assert meant(wanted, 20) == ""
    assert meant("must be a Python function", "20mb") == ""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "grace: 10",
            "`grace` can't be `10`: it must be a duration; add its unit: 10s, 10m, 10h or 10d",
        ),
        ("grace: 10 sec", "`grace` can't be `10 sec`: it must be a duration; did you mean `10s`?"),
        (
            "tasks: {a: {python: 'a:b'}}\nconsumers: {all: {max_memory: 500mb}}",
            "`max_memory` can't be `500mb`: it must be a size; did you mean `500MB`?",
        ),
        (
            "alerts: {channels: {a: {python: 'a:b'}}, rules: [{failure_rate: 10%%}]}",
            "`failure_rate` can't be `10%%`: it must be a percentage; did you mean `10%`?",
        ),
        (
            "logs: {a: {file: {path: a, rotation: 20 mb}}}",
            "`rotation` can't be `20 mb`: it must be a size or a duration; did you mean `20MB`?",
        ),
    ],
)
def test_a_problem_says_what_was_meant(text: str, told: str) -> None:
    with pytest.raises(BadFile) as caught:
        from_bytes("f.yaml", f"version: 1\nname: shop\n{text}\n".encode(), {})
    assert [f"{each.text}; {each.hint}" for each in caught.value.problems if each.severity == "error"] == [
        told
    ]
