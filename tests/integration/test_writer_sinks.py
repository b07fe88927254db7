"""A sink in trouble is alone in it: what it loses is counted and told, and the others go on."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.sink import FileSink, PythonSink, StdSink
from ebats.runner.execution.outbox import Outbox, open_channel
from ebats.runner.execution.record import encode, encode_batch
from tests.records import PLACE, execution, numbered
from tests.waiting import wait_until
from tests.writers import PROGRAM, SOURCE, Channel, channel, ids, lines_in, records, serving

__all__ = ["channel"]

STD = StdSink(name="console")


@pytest.fixture
def _own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def python_sink(folder: Path, module: str, source: str) -> PythonSink:
    (folder / f"{module}.py").write_text(source)
    entry = EntryPoint(module=module, attribute="take", place=PLACE)
    return PythonSink(name="mine", python=entry)


@pytest.mark.usefixtures("_own_path")
def test_a_python_sink_that_hangs_or_raises_stops_no_other_sink(
    channel: Channel, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    send, receive = channel
    hangs = python_sink(
        tmp_path, "sink_hangs", "import threading\ngo = threading.Event()\ndef take(_): go.wait(60)\n"
    )
    raises = PythonSink(name="other", python=EntryPoint(module="math", attribute="sqrt", place=PLACE))
    history = FileSink(name="history", path=str(tmp_path / "logs" / "shop.jsonl"))
    with serving((hangs, raises, history, STD), tmp_path, receive) as (writer, finish):
        outbox = Outbox(send.fileno(), SOURCE)
        for line in numbered(2000, payload={"card": "4111"}):
            outbox.put(line)
        assert outbox.close(10) == 0
        wait_until(lambda: lines_in(tmp_path / "logs") >= 2000)
        wait_until(lambda: writer.status()["sinks"]["other"]["lost"] == 2000)
        # With the news of the other one.
        wait_until(lambda: writer.status()["sinks"]["mine"]["waiting"] == 2001)
        start = time.monotonic()
        status = finish()
        assert time.monotonic() - start < 10
        sys.modules["sink_hangs"].go.set()
    assert status["sinks"]["mine"]["lost"] == 2001
    out, err = capfd.readouterr()
    assert out.count(" close_order ") == 2000
    assert "4111" not in (tmp_path / "logs" / "shop.jsonl").read_text()
    assert "sink mine lost 2001 records in all" in err
    news = [record["text"] for record in records(tmp_path / "logs") if record["kind"] == "log"]
    assert len(news) == 1
    assert str(news[0]).startswith("sink other lost ")
    assert str(news[0]).endswith("records: TypeError: must be real number, not dict")
    assert err.count("sink other lost ") == 2
    assert out.count("sink other lost ") == 1


def test_a_file_that_cannot_be_written_is_told_elsewhere_and_caught_up_with_later(
    channel: Channel, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    send, receive = channel
    in_the_way = tmp_path / "logs"
    in_the_way.write_text("")
    sinks = (FileSink(name="history", path=str(in_the_way / "shop.jsonl")), STD)
    with serving(sinks, tmp_path, receive) as (writer, finish):
        send.send(encode_batch(numbered(10)))
        wait_until(lambda: writer.status()["sinks"]["history"]["error"])
        wait_until(lambda: writer.status()["sinks"]["console"]["written"] == 11)
        in_the_way.unlink()
        wait_until(lambda: writer.status()["sinks"]["history"]["written"] == 10)
        # The news that it works again come when the last news are 10 s old.
        wait_until(lambda: writer.status()["sinks"]["history"]["written"] == 11, 15)
        status = finish()
    assert status["sinks"]["history"]["lost"] == 0
    assert ids(in_the_way) == list(range(10))
    out, err = capfd.readouterr()
    for text in (out, err):
        assert text.count("sink history fails, 10 records wait: [Errno ") == 1
        assert text.count("sink history works again") == 1
    assert "sink history works again" in [record.get("text") for record in records(in_the_way)]


def test_a_terminal_that_is_held_holds_up_only_itself(tmp_path: Path) -> None:
    send, receive = open_channel()
    program = PROGRAM.replace("(FileSink", "(StdSink(name='console'), FileSink").replace(
        "import FileSink", "import FileSink, StdSink"
    )
    # The counts at the end would wait for the reader too, and are this test program's own.
    program = program[: program.rindex("print(")] + "receive.detach()"
    command = [sys.executable, "-c", program, str(receive.fileno()), str(tmp_path / "shop.jsonl")]
    reader, writer = os.pipe()
    # Standard output and error are one pipe that nobody reads, as under a terminal stopped with Ctrl-S.
    process = subprocess.Popen(command, pass_fds=(receive.fileno(),), stdout=writer, stderr=writer)

    def has_written(count: int) -> bool:
        return lines_in(tmp_path) >= count

    try:
        outbox = Outbox(send.fileno(), SOURCE)
        for number in range(0, 10_000, 1000):
            for line in numbered(1000, start=number):
                outbox.put(line)
            wait_until(partial(has_written, number + 1000), 30, every_s=0.1)
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        assert outbox.close(1) == 0
    finally:
        process.kill()
        process.wait(10)
        for fd in (reader, writer):
            os.close(fd)
        send.close()
        receive.close()


@pytest.mark.usefixtures("_own_path")
def test_a_python_sink_gets_the_payload_the_others_don_t(channel: Channel, tmp_path: Path) -> None:
    send, receive = channel
    mine = python_sink(tmp_path, "sink_keeps", "seen = []\ntake = seen.append\n")
    history = FileSink(name="history", path=str(tmp_path / "shop.jsonl"))
    with serving((mine, history), tmp_path, receive) as (_, finish):
        send.send(encode_batch([encode(execution(payload={"order": 1}, result="done"))]))
        status = finish()
    assert status["sinks"]["mine"]["written"] == status["sinks"]["history"]["written"] == 1
    (seen,) = sys.modules["sink_keeps"].seen
    assert (seen["payload"], seen["result"]) == ({"order": 1}, "done")
    (plain,) = records(tmp_path)
    assert plain == {name: value for name, value in seen.items() if name not in ("payload", "result")}
