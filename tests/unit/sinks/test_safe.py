"""JSON lines that forge nothing: no control, line separator or direction mark stands in them as such."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebats.runner.execution.record import decode, encode
from ebats.runner.sinks.safe import safe, unforged
from tests.records import execution, log

CONTROLS = [
    "\n",
    "\r",
    "\x1b[31m",
    "\x00",
    "\x7f",
    "\x85",
    "\x9b",
    "\u2028",
    "\u2029",
    "\u202e",
    "\U000e0041",
]


@pytest.mark.parametrize("control", CONTROLS)
def test_a_line_is_printable_and_means_the_same(control: str) -> None:
    evil = f"a{control}b"
    texts = (
        "task",
        "queue",
        "id",
        "process",
        "event",
        "error",
        "text",
        "reason",
        "key",
        "exchange",
        "traceback",
    )
    for record in (
        *(execution(**{field: evil}) for field in texts),
        execution(labels={evil: evil}, payload={evil: [evil]}, result=evil),
        log(text=evil, process=evil, task=evil, id=evil),
    ):
        line = safe(encode(record).json)
        assert line.decode().isprintable()
        assert decode(line) == record


def test_text_in_other_languages_stays_readable() -> None:
    assert "订单已关闭 ✓" in safe(encode(log(text="订单已关闭 ✓")).json).decode()


@given(st.text())
def test_any_text_comes_back_from_one_printable_line(text: str) -> None:
    line = safe(json.dumps({text: text}, ensure_ascii=False).encode(errors="replace"))
    assert line.decode().isprintable()
    expected = text.encode(errors="replace").decode()
    assert json.loads(line) == {expected: expected}


def test_what_is_no_utf8_is_shown_all_the_same() -> None:
    assert unforged(b"a\xff\x1b\n") == "a\ufffd\\u001b\\u000a".encode()
