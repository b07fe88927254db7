"""The std sink on pipes and terminals, and where nobody reads."""

import os
import pty
import threading
from collections.abc import Iterator

import pytest

from ebats.pipelines.sink import StdSink
from ebats.runner.execution.record import Line
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.setting import Setting
from ebats.runner.sinks.sink import SinkError
from ebats.runner.sinks.std import Std
from tests.records import numbered

SINK = StdSink(name="console")
SHOWN = Exposures(SINK.exposure)
SETTING = Setting(pipeline="shop", folder="/")


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Give a pipe's reading and writing end."""
    ends = os.pipe()
    yield ends
    for fd in ends:
        try:
            os.close(fd)
        except OSError:
            continue


def test_a_pipe_gets_one_plain_line_a_record(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    Std(SINK, SHOWN, SETTING, writer).write(numbered(3))
    text = os.read(reader, 65536).decode()
    assert text.count("\n") == 3
    assert "\x1b" not in text


@pytest.mark.parametrize(("no_color", "expected"), [("", True), ("1", False)])
def test_a_terminal_gets_colour_unless_no_color_is_set(
    no_color: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm")
    controller, terminal = pty.openpty()
    try:
        Std(SINK, SHOWN, SETTING, terminal).write(numbered(1))
        assert (b"\x1b[32m" in os.read(controller, 65536)) is expected
    finally:
        os.close(controller)
        os.close(terminal)


def test_a_reader_that_has_left_is_an_error_that_keeps_the_lines(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.close(reader)
    lines = numbered(2)
    with pytest.raises(SinkError, match="Broken pipe") as caught:
        Std(SINK, SHOWN, SETTING, writer).write(lines)
    assert caught.value.rest == lines


def test_a_non_blocking_pipe_that_is_full_is_waited_for(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.set_blocking(writer, False)
    received = bytearray()

    def read_all() -> None:
        while received.count(b"\n") < 3000:
            received.extend(os.read(reader, 4096))

    thread = threading.Thread(target=read_all)
    thread.start()
    Std(SINK, SHOWN, SETTING, writer).write(numbered(3000))
    thread.join(20)
    assert received.count(b"\n") == 3000


def test_a_line_that_is_no_record_is_shown_escaped(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    Std(SINK, SHOWN, SETTING, writer).write([Line(20, b"not\x1b JSON\xff")])
    assert os.read(reader, 65536).decode() == "not\\u001b JSON\ufffd\n"
