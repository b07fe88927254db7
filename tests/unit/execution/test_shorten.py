"""Records are cut to size: the largest parts first, still records, and they say so."""

from ebats.runner.execution.record import Execution, Line, RequestNote, decode, encode
from ebats.runner.execution.shorten import shorten
from tests.records import execution


def short(limit: int, **fields: object) -> Execution:
    line = shorten(encode(execution(**fields)), limit)
    assert len(line.json) <= limit
    record = decode(line.json)
    assert isinstance(record, Execution)
    return record


def test_only_the_largest_parts_are_cut() -> None:
    record = short(10_000, payload={"a": "x" * 50_000}, text="y" * 1000, traceback="z" * 1000)
    assert str(record.payload) == "[cut, it had 50008 bytes]"
    assert record.text == "y" * 1000
    assert record.traceback == "z" * 1000


def test_of_a_text_the_start_stays_and_of_a_traceback_the_end() -> None:
    record = short(3000, text="start" + "x" * 9000, traceback="x" * 9000 + "end")
    assert str(record.text).startswith("start")
    assert str(record.traceback).endswith("end")


def test_characters_that_grow_in_json_still_fit() -> None:
    record = short(
        4000, text="\x00" * 9000, traceback="\x1b" * 9000, result="\n" * 9000, payload=list(range(9000))
    )
    assert "cut, it had" in str(record.text)


def test_labels_stay_labels() -> None:
    assert not short(2000, labels={"order": "x" * 9000}).labels


def test_requests_stay_a_list() -> None:
    note = RequestNote(method="POST", url="x" * 9000, outcome="success")
    assert short(2000, requests=[note]).requests == []


def test_a_line_that_is_no_record_comes_back() -> None:
    line = Line(20, b"x" * 100)
    assert shorten(line, 10) == line
