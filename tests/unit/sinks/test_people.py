"""Lines for people: understood without documentation, in columns, never forged."""

import pytest

from ebats.runner.execution.record import utc
from ebats.runner.sinks.people import Layout
from tests.records import NOON, execution, log

CONTROLS = ["\n", "\r", "\x1b[31m", "\x00", "\x7f", "\x85", "\x9b", "\u2028", "\u2029", "\u202e", "\ud800"]


def test_a_success_is_told_with_all_that_happened() -> None:
    assert Layout().line(execution()) == (
        "12:00:00.125Z  OK     close_order  FB138  attempt 1/6  ran 0.004s  waited 0.012s  "
        "event order_create  queue demo  orders#2"
    )


def test_a_retry_says_after_what_and_when_again() -> None:
    line = Layout().line(
        execution(outcome="retry", level="warning", error="ValueError", text="busy", next=utc(NOON + 3))
    )
    assert "  RETRY  " in line
    assert line.endswith("  next attempt at 12:00:03.125Z, after ValueError: busy")


def test_the_next_attempt_on_another_day_has_its_date() -> None:
    line = Layout().line(execution(outcome="retry", level="warning", next=utc(NOON + 86_400)))
    assert "next attempt at 2026-01-02 12:00:00.125Z" in line


def test_one_that_could_not_begin_says_when_it_comes_again_and_why() -> None:
    line = Layout().line(
        execution(outcome="postponed", level="debug", text="its host is down", next=utc(NOON + 1))
    )
    assert "  LATER  " in line
    assert line.endswith("  again at 12:00:01.125Z: its host is down")


def test_a_dead_one_says_why_and_where_it_was_raised() -> None:
    traceback = (
        'Traceback:\n  File "/lib/a.py", line 1, in first\n  File "/shop/tasks.py", line 7, in close\nboom'
    )
    dead = execution(
        outcome="dead", level="error", reason="exhausted", error="ValueError", text="x", traceback=traceback
    )
    line = Layout().line(dead)
    assert "  DEAD   " in line
    assert line.endswith("  exhausted: ValueError: x (in close, /shop/tasks.py:7)")


def test_what_is_not_known_is_said_so() -> None:
    line = Layout().line(execution(wait_s=None, run_s=None, event=None))
    assert "did not run  waited -  event -  queue demo" in line


def test_labels_can_be_searched_as_they_are_written() -> None:
    assert Layout().line(execution(labels={"order": "FB138"})).endswith("  orders#2  order=FB138")


def test_columns_line_up_once_a_longer_name_was_seen() -> None:
    layout = Layout()
    layout.line(execution(task="tell_the_merchant", id="0198f3a2-1111", run_s=123.4, attempt=10, attempts=10))
    first = layout.line(execution())
    second = layout.line(execution(task="ship", id="7", attempt=9, attempts=10, event=None))
    assert [first.index(word) for word in ("attempt", "waited", "event ", "queue", "orders#2")] == [
        second.index(word) for word in ("attempt", "waited", "event ", "queue", "orders#2")
    ]


def test_one_very_long_name_does_not_push_all_lines_apart() -> None:
    layout = Layout()
    layout.line(execution(id="x" * 5000))
    assert len(layout.line(execution())) < 200


def test_a_log_line_names_its_process_and_the_message_it_is_about() -> None:
    line = Layout().line(log(level="warning", text="slow", task="ship", id="FB1"))
    assert line == "12:00:00.125Z  WARN   orders#2  slow  ship  FB1"


@pytest.mark.parametrize("control", CONTROLS)
def test_no_field_can_forge_a_line_or_move_the_cursor(control: str) -> None:
    evil = f"a{control}b"
    layout = Layout()
    lines = [
        layout.line(execution(**{field: evil}))
        for field in ("task", "queue", "id", "process", "event", "error", "text", "reason")
    ]
    lines.append(layout.line(execution(outcome="dead", reason=evil, error=evil, text=evil)))
    lines.append(layout.line(execution(outcome="retry", error=evil, text=evil)))
    lines.append(layout.line(execution(labels={evil: evil})))
    lines.append(layout.line(log(text=evil, process=evil, task=evil, id=evil, traceback=evil)))
    lines.append(layout.line(log(traceback=f'File "{evil}", line 1, in {evil}')))
    assert all(line.isprintable() for line in lines)


def test_text_in_other_languages_stays_readable() -> None:
    assert "订单已关闭" in Layout().line(log(text="订单已关闭"))


def test_an_error_text_of_a_megabyte_is_cut() -> None:
    line = Layout().line(execution(outcome="dead", reason="exhausted", error="E", text="x" * 1_000_000))
    assert len(line) < 600


def test_colour_and_short_ids_are_for_terminals() -> None:
    message = execution(id="0198f3a2-7c55-7aaa-8bbb-0123456789ab")
    plain, terminal = Layout().line(message), Layout(colour=True, short_ids=True).line(message)
    assert "\x1b" not in plain
    assert message.id in plain
    assert "\x1b[32mOK" in terminal
    assert "0198f3a2…89ab" in terminal
