"""`ebats publish` while its connection fails."""

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.acceptance.test_publish import EBATS, Shop
from tests.brokers import free_port
from tests.conftest import Broker
from tests.integration.wire import Wire, body
from tests.proxy import Proxy
from tests.waiting import wait_until


def test_a_cut_link_loses_nothing(rabbitmq: Broker, tmp_path: Path, proxy_to: Callable[[int], Proxy]) -> None:
    assert rabbitmq.node
    proxy = proxy_to(rabbitmq.node.port)
    shop = Shop(tmp_path, rabbitmq)
    shop.url = rabbitmq.url.replace(str(rabbitmq.node.port), str(proxy.port))
    path = shop.lines(*(str(number) for number in range(40_000)))
    with closing(Wire(rabbitmq.url)) as wire:
        process = subprocess.Popen(
            [EBATS, "publish", shop.file, "shouted", "--file", path],
            env={**os.environ, "BROKER": shop.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        queue = f"{shop.name}.tell"
        wait_until(lambda: _ready(wire, queue) > 1000, 30)
        proxy.cut()
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert "published 40000 messages" in output
        assert "the connection to the broker was lost" in errors
        wait_until(lambda: _ready(wire, queue) >= 40_000, 30)
        count = _ready(wire, queue)
        wire.consume(queue, prefetch=5000, no_ack=True)
        bodies = {body(message) for message in wire.receive(count, 60)}
    assert len(bodies) == 40_000
    assert count <= 40_000 + 500  # what was unconfirmed came twice


def test_a_line_from_a_pipe_waits_for_no_other(main_broker: Broker, tmp_path: Path) -> None:
    shop = Shop(tmp_path, main_broker)
    process = subprocess.Popen(
        [EBATS, "publish", shop.file, "shouted", "--file", "-"],
        env={**os.environ, "BROKER": shop.url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin
    with closing(Wire(main_broker.url)) as wire:
        for count in (1, 2):
            process.stdin.write(b"{}\n")
            process.stdin.flush()
            wait_until(lambda count=count: _ready(wire, f"{shop.name}.tell") == count, 30)  # type: ignore[misc]
    output, _ = process.communicate(timeout=30)
    assert b"published 2 messages" in output


def test_what_may_be_there_is_told_when_it_gives_up(
    rabbitmq: Broker, tmp_path: Path, proxy_to: Callable[[int], Proxy]
) -> None:
    assert rabbitmq.node
    proxy = proxy_to(rabbitmq.node.port)
    shop = Shop(tmp_path, rabbitmq)
    shop.url = rabbitmq.url.replace(str(rabbitmq.node.port), str(proxy.port))
    process = subprocess.Popen(
        [EBATS, "publish", shop.file, "shouted", "--file", "-", "--wait", "1s"],
        env={**os.environ, "BROKER": shop.url},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin
    with closing(Wire(rabbitmq.url)) as wire:
        for count in (1, 2):
            process.stdin.write(b"{}\n")
            process.stdin.flush()
            wait_until(lambda count=count: _ready(wire, f"{shop.name}.tell") == count, 30)  # type: ignore[misc]
            # The second is there, and its confirm doesn't come.
            proxy.block("down")
        proxy.refuse()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    text = b"without the broker; 1 message had been published, and 1 message on the way may arrive or not"
    assert text in errors


def _hear_ctrl_c() -> None:
    """Undo what a shell does to what it starts in the background, these tests perhaps: it ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _reads(pid: int) -> bool:
    """Return whether a process waits for standard input, where the system tells (x86-64 and arm64)."""
    call = Path(f"/proc/{pid}/syscall")
    return not call.exists() or call.read_text().startswith(("0 0x0 ", "63 0x0 "))


def test_ctrl_c_says_how_many_were_confirmed(main_broker: Broker, tmp_path: Path) -> None:
    shop = Shop(tmp_path, main_broker)
    process = subprocess.Popen(
        [EBATS, "publish", shop.file, "shouted", "--file", "-"],
        env={**os.environ, "BROKER": shop.url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=_hear_ctrl_c,  # noqa: PLW1509 - no thread of the tests holds a lock that it takes
    )
    assert process.stdin
    process.stdin.write(b"{}\n[]\n")
    process.stdin.flush()
    with closing(Wire(main_broker.url)) as wire:
        wait_until(lambda: _ready(wire, f"{shop.name}.tell") == 2, 30)
    # Both are there; it has counted them once it reads on.
    wait_until(lambda: _reads(process.pid), 30)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (130, b"")
    assert errors == b"ebats: interrupted; 2 messages confirmed\n"


def test_ctrl_c_while_the_broker_is_away_says_that_none_was(tmp_path: Path) -> None:
    nobody = Broker(kind="", url=f"amqp://127.0.0.1:{free_port()}/", prefix="shop")
    shop = Shop(tmp_path, nobody)
    process = subprocess.Popen(
        [EBATS, "publish", shop.file, "shouted", "-d", "{}"],
        env={**os.environ, "BROKER": shop.url},
        stderr=subprocess.PIPE,
        preexec_fn=_hear_ctrl_c,  # noqa: PLW1509 - no thread of the tests holds a lock that it takes
    )
    assert process.stderr
    assert b"can't be reached" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == b"ebats: interrupted; 0 messages confirmed"


def _ready(wire: Wire, queue: str) -> int:
    with wire.connection.channel() as channel:
        try:
            count: int = channel.queue_declare(queue, passive=True).message_count
        except wire.connection.channel_errors:
            return 0
        return count
