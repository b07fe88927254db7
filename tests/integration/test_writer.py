"""The writer as a process, fed by other processes, with sinks that fail in every way."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import jsonschema
import pytest

import ebats.schemas
from ebats.pipelines.model import EntryPoint, FileSink, PythonSink, Sink, StdSink
from ebats.runner.execution.outbox import Outbox, Source, open_channel
from ebats.runner.execution.record import encode, encode_batch
from ebats.runner.roles.writer import Writer, WriterStatus
from tests.records import PLACE, execution, log, numbered
from tests.waiting import wait_until

SOURCE = Source(pipeline="shop", process="orders#1")
STD = StdSink(name="console")

# A writer process: its arguments are the receiving end and the file to write; it stops on SIGTERM.
PROGRAM = """
import signal, socket, sys, threading
from ebats.pipelines.model import FileSink
from ebats.runner.roles.writer import Writer
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
receive = socket.socket(fileno=int(sys.argv[1]))
sinks = (FileSink(name="history", path=sys.argv[2], rotation=200_000),)
writer = Writer(sinks, "/", "shop", None, receive)
print("ready", flush=True)
status = writer.serve(stop.is_set)
print(status["sinks"]["history"]["written"], flush=True)
receive.detach()
"""


@pytest.fixture
def channel() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Give the sending and the receiving end; the test is the parent that keeps both."""
    ends = open_channel()
    yield ends
    for end in ends:
        end.close()


@contextmanager
def writer_process(receive: socket.socket, path: Path) -> Iterator[subprocess.Popen[str]]:
    fd = receive.fileno()
    command = [sys.executable, "-c", PROGRAM, str(fd), str(path)]
    with subprocess.Popen(command, pass_fds=(fd,), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@contextmanager
def serving(
    sinks: tuple[Sink, ...], folder: Path, receive: socket.socket
) -> Iterator[tuple[Writer, Callable[[], WriterStatus]]]:
    """Run a writer in a thread; what is given along stops it and returns the final counts."""
    stop = threading.Event()
    final: list[WriterStatus] = []
    writer = Writer(sinks, str(folder), "shop", "test", receive)
    thread = threading.Thread(target=lambda: final.append(writer.serve(stop.is_set)))
    thread.start()

    def finish() -> WriterStatus:
        stop.set()
        thread.join(30)
        return final[0]

    try:
        yield writer, finish
    finally:
        stop.set()
        thread.join(30)


def records(folder: Path, pattern: str = "*.jsonl") -> list[dict[str, object]]:
    """Return what stands in the files; fails where a line isn't JSON."""
    return [json.loads(line) for path in folder.glob(pattern) for line in path.read_text().splitlines()]


def ids(folder: Path) -> list[int]:
    return sorted(int(str(record["id"])) for record in records(folder) if record["kind"] == "execution")


def python_sink(folder: Path, module: str, source: str) -> PythonSink:
    (folder / f"{module}.py").write_text(source)
    entry = EntryPoint(module=module, attribute="take", place=PLACE)
    return PythonSink(name="mine", python=entry)


@pytest.fixture
def _own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def test_records_of_many_processes_arrive_once_each(
    channel: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    send, receive = channel
    program = (
        "import sys; from ebats.runner.execution.outbox import Outbox, Source;"
        "from tests.records import numbered;"
        "box = Outbox(int(sys.argv[1]), Source(pipeline='shop', process=sys.argv[2]));"
        "[box.put(line) for line in numbered(3000, start=int(sys.argv[2]))];"
        "sys.exit(box.close(10))"
    )
    with writer_process(receive, tmp_path / "shop.jsonl") as writer:
        command = [sys.executable, "-c", program, str(send.fileno())]
        root = Path(__file__).parents[2]
        processes = [
            subprocess.Popen([*command, str(start)], pass_fds=(send.fileno(),), cwd=root)
            for start in (0, 10_000, 20_000)
        ]
        assert [process.wait(30) for process in processes] == [0, 0, 0]
        writer.send_signal(signal.SIGTERM)
        assert writer.communicate(timeout=30)[0] == "9000\n"
    assert ids(tmp_path) == [start + number for start in (0, 10_000, 20_000) for number in range(3000)]
    assert len(list(tmp_path.iterdir())) > 1


def test_a_writer_killed_and_replaced_loses_nothing_that_was_not_read(
    channel: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    send, receive = channel
    outbox = Outbox(send.fileno(), SOURCE)
    with writer_process(receive, tmp_path / "shop.jsonl") as first:
        for line in numbered(1000):
            outbox.put(line)
        wait_until(lambda: len(ids(tmp_path)) == 1000)
        first.kill()
        first.wait(10)
    for line in numbered(20_000, start=1000):
        outbox.put(line)
    with writer_process(receive, tmp_path / "shop.jsonl") as second:
        assert outbox.close(20) == 0
        second.send_signal(signal.SIGTERM)
        second.wait(30)
    assert ids(tmp_path) == list(range(21_000))


def test_a_writer_killed_in_full_flow_costs_only_what_it_had_in_hand(
    channel: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    send, receive = channel
    outbox = Outbox(send.fileno(), SOURCE)
    written = 0
    with writer_process(receive, tmp_path / "shop.jsonl") as first:
        while written < 2000:
            for line in numbered(50, start=written):
                outbox.put(line)
            written += 50
            time.sleep(0.001)
        first.kill()
        first.wait(10)
    with writer_process(receive, tmp_path / "shop.jsonl") as second:
        for line in numbered(2000, start=written):
            outbox.put(line)
        assert outbox.close(20) == 0
        second.send_signal(signal.SIGTERM)
        second.wait(30)
    lines = [line for path in tmp_path.iterdir() for line in path.read_text().splitlines()]
    whole = [line for line in lines if line.endswith("}")]
    assert len(lines) - len(whole) <= 1
    seen = [int(json.loads(line)["id"]) for line in whole]
    assert len(seen) == len(set(seen))
    # 100 ms of this flow are some 2,500 records; half of that is a generous hand.
    assert len(set(range(4000)) - set(seen)) < 1250


@pytest.mark.usefixtures("_own_path")
def test_a_python_sink_that_hangs_or_raises_stops_no_other_sink(
    channel: tuple[socket.socket, socket.socket], tmp_path: Path, capfd: pytest.CaptureFixture[str]
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
        wait_until(lambda: len(ids(tmp_path / "logs")) == 2000)
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


@pytest.mark.usefixtures("_own_path")
def test_a_python_sink_gets_the_payload_the_others_don_t(
    channel: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
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


def test_a_file_that_cannot_be_written_is_told_elsewhere_and_caught_up_with_later(
    channel: tuple[socket.socket, socket.socket], tmp_path: Path, capfd: pytest.CaptureFixture[str]
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


def test_what_is_no_batch_is_counted_and_survived(
    channel: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    send, receive = channel
    with serving((FileSink(name="history", path=str(tmp_path / "x.jsonl")),), tmp_path, receive) as (
        _,
        finish,
    ):
        for nonsense in (b"", b"\xc1", b"nonsense", b"\x91\x92\x14\xa1x", bytes(1000)):
            send.send(nonsense)
        send.send(encode_batch(numbered(1)))
        status = finish()
    assert status["unreadable"] == 5
    assert ids(tmp_path) == [0]


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
        return len(ids(tmp_path)) >= count

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


def test_lines_in_the_file_are_what_the_schema_says(
    channel: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    path = Path(ebats.schemas.__file__).parent / "record.v1.json"
    validator = jsonschema.Draft202012Validator(json.loads(path.read_text()))
    send, receive = channel
    with serving((FileSink(name="history", path=str(tmp_path / "x.jsonl")),), tmp_path, receive) as (
        _,
        finish,
    ):
        full = execution(
            outcome="dead",
            level="error",
            reason="exhausted",
            error="E",
            text="t",
            traceback="t",
            labels={"a": "b"},
        )
        send.send(
            encode_batch([encode(record) for record in (execution(), full, log(), log(level="warning"))])
        )
        finish()
    written = records(tmp_path)
    assert len(written) == 4
    for record in written:
        validator.validate(record)


def test_the_rate_of_a_hundred_thousand_records(
    channel: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    send, receive = channel
    batch = encode_batch(numbered(200))
    with writer_process(receive, tmp_path / "shop.jsonl") as writer:
        start = time.perf_counter()
        for _ in range(500):
            send.send(batch)
        writer.send_signal(signal.SIGTERM)
        out = writer.communicate(timeout=60)[0]
        seconds = time.perf_counter() - start
    assert out == "100000\n"
    sys.stdout.write(f"the writer wrote {100_000 / seconds:,.0f} records a second to a file that rotates\n")
