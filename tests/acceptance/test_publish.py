"""`ebats publish`, the command itself, on both brokers."""

import json
import os
import pty
import re
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import ebats  # noqa: F401 - makes sqlite:/// known to kombu
from tests.brokers import free_port
from tests.commands import run_ebats
from tests.conftest import Broker
from tests.integration.wire import Wire, body, headers

EBATS = Path(sysconfig.get_path("scripts"), "ebats")
FILE = """\
version: 1
name: NAME
broker: {url: "${BROKER}"}
exchanges:
  orders: {type: topic}
  news: {type: fanout}
tasks:
  ship: {python: "shop:ship"}
  tell: {python: "shop:tell"}
  note: {python: "shop:note"}
  send: {python: "shop:send", queues: [quick, slow]}
queues: {quick: , slow: }
events:
  paid: {tasks: [ship, tell]}
  late: {tasks: [{task: ship, delay: 1h}]}
  wanted: {exchange: orders, key: "*.WAIT", tasks: [ship]}
  shouted: {exchange: news, tasks: [tell]}
  noted: {format: text, tasks: [note]}
  sent: {tasks: [send]}
"""


class Shop:
    """A pipeline file and the command on it."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        """Write the file."""
        self.file = folder / "shop.yaml"
        self.file.write_text(FILE.replace("NAME", broker.prefix))
        self.folder = folder
        self.name = broker.prefix
        self.url = broker.url

    def publish(self, *words: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run `ebats publish`."""
        env = {"BROKER": self.url}
        return run_ebats("publish", self.file, *words, env=env, cwd=self.folder, stdin=stdin)

    def edit(self, old: str, new: str) -> None:
        """Change the file."""
        assert old in self.file.read_text()
        self.file.write_text(self.file.read_text().replace(old, new))

    def lines(self, *payloads: str) -> Path:
        """Write a file of payloads."""
        path = self.folder / "lines.jsonl"
        path.write_text("".join(f"{payload}\n" for payload in payloads))
        return path


@pytest.fixture
def shop(main_broker: Broker, tmp_path: Path) -> Shop:
    """A pipeline file on each broker."""
    return Shop(tmp_path, main_broker)


@pytest.fixture
def wire(main_broker: Broker) -> Iterator[Wire]:
    """One connection to the broker."""
    with closing(Wire(main_broker.url)) as wire:
        yield wire


def test_an_event_reaches_each_of_its_tasks_before_the_first_run(shop: Shop, wire: Wire) -> None:
    result = shop.publish("paid", "-d", '{"order":  "b7"}', "--id", "order-7")
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r"published 1 message to event paid in \d+\.\d\d s, confirmed\n", result.stdout)
    assert result.stderr == ""
    for queue in ("ship", "tell"):
        message = wire.get(f"{shop.name}.{queue}")
        assert body(message) == b'{"order":  "b7"}'  # to the letter
        assert message.properties["message_id"] == "order-7"
        assert message.properties["content_type"] == "application/json"
        assert message.properties["delivery_mode"] == 2
        assert isinstance(message.properties["timestamp"], int)
        assert abs(headers(message)["ebats-published"] - message.properties["timestamp"]) < 1


def test_each_message_has_an_id_of_its_own(shop: Shop, wire: Wire) -> None:
    shop.publish("shouted", "--file", shop.lines("1", "2"))
    ids = {wire.get(f"{shop.name}.tell").properties["message_id"] for _ in range(2)}
    assert len(ids) == 2


def test_five_thousand_lines_are_all_confirmed(shop: Shop, wire: Wire) -> None:
    path = shop.lines(*(json.dumps({"order": number}) for number in range(5000)))
    result = shop.publish("shouted", "--file", path)
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(
        r"published 5000 messages to event shouted in [\d.]+ s \([\d,]+/s\), all confirmed\n", result.stdout
    )
    wire.wait_ready(f"{shop.name}.tell", 5000)


def test_standard_input_skips_blank_lines(shop: Shop, wire: Wire) -> None:
    result = shop.publish("shouted", "--file", "-", stdin='\ufeff{"a": 1}\r\n\n  \n[2]\n"three"')
    assert "published 3 messages" in result.stdout
    wire.wait_ready(f"{shop.name}.tell", 3)
    assert sorted(body(wire.get(f"{shop.name}.tell")) for _ in range(3)) == [b'"three"', b"[2]", b'{"a": 1}']


def test_nothing_to_publish_is_said_so(shop: Shop) -> None:
    result = shop.publish("paid", "--file", "-", stdin="\n \n")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "published nothing to event paid: there was no payload\n"


def test_a_bad_line_stops_and_says_how_many_went_before(shop: Shop, wire: Wire) -> None:
    result = shop.publish("shouted", "--file", shop.lines("1", "", "2", "{oops", "4"))
    assert result.returncode == 1
    assert result.stdout == ""
    assert re.fullmatch(
        r"ebats: .*/lines\.jsonl:4: the body is no JSON: .*; 2 messages had been published\n", result.stderr
    )
    wire.wait_ready(f"{shop.name}.tell", 2)


def test_text_is_published_as_text(shop: Shop, wire: Wire) -> None:
    assert shop.publish("noted", "-d", "{oops 订单").returncode == 0
    message = wire.get(f"{shop.name}.note")
    assert body(message).decode() == "{oops 订单"
    assert message.properties["content_type"] == "text/plain"


def test_a_task_an_exchange_and_a_delayed_event_are_reached(shop: Shop, wire: Wire) -> None:
    for words, queue in (
        (("--task", "ship"), "ship"),
        (("--exchange", "orders", "--key", "cn.WAIT"), "ship"),
        (("--exchange", "tasks", "--key", "tell"), "tell"),
        (("--exchange", "news"), "tell"),
        (("late",), "delay.1h.late.ship"),
    ):
        result = shop.publish(*words, "-d", "{}")
        assert result.returncode == 0, result.stderr
        wire.wait_ready(f"{shop.name}.{queue}", 1)
        wire.channel.queue_purge(f"{shop.name}.{queue}")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("payd", "-d", "1"), "has no event 'payd'; did you mean `paid`?"),
        (("--task", "shop", "-d", "1"), "has no task 'shop'; did you mean `ship`?"),
        (("--exchange", "order", "-d", "1"), "has no exchange 'order'; did you mean `orders`?"),
        (
            ("--exchange", "tasks", "--key", "x", "-d", "1"),
            "has no task 'x'; there are `ship`, `tell`, `note`, `send`",
        ),
        (
            ("--exchange", "events", "--key", "paidd", "-d", "1"),
            "no event has the key 'paidd' on the exchange",
        ),
        (("--exchange", "events", "--key", "shouted", "-d", "1"), "no event has the key 'shouted' on"),
        (("wanted", "-d", "1"), "whatever matches '*.WAIT': choose a key, with --key KEY"),
        (("wanted", "--key", "cn.GO", "-d", "1"), "whatever matches '*.WAIT', and 'cn.GO' doesn't"),
        (("paid", "--queue", "slow", "-d", "1"), "the task 'ship' may not run from the queue 'slow', only"),
        (("--task", "ship", "--queue", "slow", "-d", "1"), "may not run from the queue 'slow', only from"),
        (("paid", "--delay", "37", "-d", "1"), "'37' is no duration: write a number with a unit"),
        (("paid", "--delay", "40000d", "-d", "1"), "40000d is too long: a delay is 36500d at most"),
        (("paid", "--queue", "", "-d", "1"), "the task 'ship' may not run from the queue '', only"),
        (("--exchange", "orders", "--delay", "1s", "-d", "1"), "--delay and --queue go with an event or"),
        (("paid", "-d", "{oops"), "the body is no JSON"),
        (("paid", "--file", "nowhere.jsonl"), "can't read nowhere.jsonl: No such file or directory"),
        (("paid", "--file", "."), "can't read .: Is a directory"),
    ],
)
def test_what_the_file_does_not_know_is_refused_without_the_broker(
    tmp_path: Path, words: tuple[str, ...], text: str
) -> None:
    nobody = Broker(kind="", url=f"amqp://127.0.0.1:{free_port()}/", prefix="shop")
    result = Shop(tmp_path, nobody).publish(*words)
    assert result.returncode == 2
    assert text in result.stderr
    assert "ebats: " in result.stderr or "ebats publish: error: " in result.stderr
    assert result.stdout == ""


def test_a_message_without_a_queue_is_an_error(shop: Shop, wire: Wire) -> None:
    result = shop.publish("--exchange", "orders", "--key", "cn.OTHER", "--file", shop.lines("1", "2"))
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        "ebats: error: no queue takes 2 messages: none is bound for exchange orders, key 'cn.OTHER'\n"
    )


def test_an_edited_file_is_published_by_with_a_warning(shop: Shop, wire: Wire) -> None:
    shop.publish("paid", "-d", "1")
    shop.edit("delay: 1h", "delay: 2h")
    result = shop.publish("paid", "-d", "1")
    assert result.returncode == 0
    assert result.stderr == (
        f"ebats: warning: what {shop.name} has on the broker differs from {shop.file};"
        " the next start of `ebats run` brings it up to date\n"
    )
    wire.wait_ready(f"{shop.name}.ship", 2)


def test_an_exchange_that_somebody_deleted_is_said(shop: Shop, wire: Wire) -> None:
    shop.publish("shouted", "-d", "1")
    wire.channel.exchange_delete(f"{shop.name}.news")
    result = shop.publish("shouted", "-d", "1")
    assert result.returncode == 1
    assert re.search(
        r"the broker refuses: NOT_FOUND - no exchange '.*'; nothing was published", result.stderr
    )


def test_a_bad_file_is_78(shop: Shop) -> None:
    shop.edit("tasks: [ship, tell]", "tasks: [shipp]")
    result = shop.publish("paid", "-d", "1")
    assert result.returncode == 78
    assert "did you mean `ship`?" in result.stderr


def test_a_broker_that_stays_away_is_given_up(tmp_path: Path) -> None:
    port = free_port()
    nobody = Broker(kind="", url=f"amqp://guest:secret@127.0.0.1:{port}/", prefix="shop")
    result = Shop(tmp_path, nobody).publish("paid", "-d", "1", "--wait", "1s")
    assert result.returncode == 1
    assert result.stderr == (
        f"ebats: warning: the broker at amqp://guest@127.0.0.1:{port}/ can't be reached:"
        " [Errno 111] Connection refused; trying on\n"
        "ebats: gave up waiting for the broker; nothing was published\n"
    )


def test_a_progress_bar_shows_on_a_terminal(shop: Shop, wire: Wire) -> None:
    path = shop.lines(*("{}" for _ in range(30_000)))
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(
        [EBATS, "publish", shop.file, "shouted", "--file", path],
        env={**os.environ, "BROKER": shop.url},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    shown = b"".join(_chunks(terminal)).decode()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "published 30000 messages" in output
    assert re.search(r"\[#*\.*\]  ?\d+%  [\d,]+ messages, [\d,]+/s", shown)
    assert shown.endswith("\r\x1b[K")


def _chunks(terminal: int) -> Iterator[bytes]:
    with closing(os.fdopen(terminal, "rb", buffering=0)) as reader:
        while True:
            try:
                chunk = reader.read(4096)
            except OSError:  # Linux, when the last writer is gone
                return
            if not chunk:
                return
            yield chunk
