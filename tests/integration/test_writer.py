"""The writer as a process that others feed: what arrives is written, also when it is killed."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema

import ebats.schemas
from ebats.pipelines.sink import FileSink
from ebats.runner.execution.outbox import Outbox
from ebats.runner.execution.record import encode, encode_batch
from tests.records import execution, log, numbered
from tests.waiting import wait_until
from tests.writers import SOURCE, Channel, channel, ids, lines_in, records, serving, writer_process

__all__ = ["channel"]


def test_records_of_many_processes_arrive_once_each(channel: Channel, tmp_path: Path) -> None:
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
    channel: Channel, tmp_path: Path
) -> None:
    send, receive = channel
    outbox = Outbox(send.fileno(), SOURCE)
    with writer_process(receive, tmp_path / "shop.jsonl") as first:
        for line in numbered(1000):
            outbox.put(line)
        wait_until(lambda: lines_in(tmp_path) >= 1000)
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
    channel: Channel, tmp_path: Path
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


def test_what_is_no_batch_is_counted_and_survived(channel: Channel, tmp_path: Path) -> None:
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


def test_lines_in_the_file_are_what_the_schema_says(channel: Channel, tmp_path: Path) -> None:
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


def test_the_rate_of_a_hundred_thousand_records(channel: Channel, tmp_path: Path) -> None:
    send, receive = channel
    batch = encode_batch(numbered(200))
    with writer_process(receive, tmp_path / "shop.jsonl") as writer:
        start = time.perf_counter()
        for _ in range(500):
            send.send(batch)
        # What isn't written five seconds after the end is lost, and this is not about that.
        wait_until(lambda: lines_in(tmp_path) == 100_000, 30)
        writer.send_signal(signal.SIGTERM)
        out = writer.communicate(timeout=60)[0]
        seconds = time.perf_counter() - start
    assert out == "100000\n"
    sys.stdout.write(f"the writer wrote {100_000 / seconds:,.0f} records a second to a file that rotates\n")
