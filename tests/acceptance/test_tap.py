"""`ebats tap` shows copies and disturbs nobody; `ebats purge` asks, and empties a queue; on both brokers."""

import json
import signal
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.commands import RunningCommand, run_ebats
from tests.faults.site import Site
from tests.integration.wire import Wire
from tests.waiting import wait_until

Start = Callable[..., RunningCommand]


@pytest.fixture
def shop(site: Site) -> Site:
    """A pipeline whose queues are there, and that nobody runs."""
    site.write(
        exchanges={"trade": {"type": "topic"}},
        tasks={"work": {"python": "tasks:work"}, "late": {"python": "tasks:work"}},
        events={
            "happened": {"tasks": ["work", {"task": "late", "delay": "1s"}]},
            "traded": {"exchange": "trade", "key": "*.PAID", "tasks": ["work"]},
        },
    )
    site.declare()
    return site


def tapping(start_ebats: Start, shop: Site, *words: str) -> RunningCommand:
    """Start a tap, and return when it sees what passes."""
    command = start_ebats("tap", shop.file, *words)
    command.wait_for_output("shows what passes by")
    return command


def lines(command: RunningCommand) -> list[list[str]]:
    """Return what a tap has printed: exchange, key, id and payload of each message."""
    return [line.split("  ") for line in command.output.splitlines() if not line.startswith("ebats:")]


def keys(command: RunningCommand) -> list[str]:
    return [line[2] for line in lines(command)]


def test_every_event_and_task_is_shown_as_it_passes(shop: Site, start_ebats: Start) -> None:
    tap = tapping(start_ebats, shop)
    shop.send(["a"])
    shop.send(["b"], "trade", "FB1.PAID")
    shop.send(["c"], "tasks", "work")
    # The delayed task comes by its own name when it is due.
    wait_until(lambda: len(lines(tap)) == 4, 20, lambda: tap.output)
    assert sorted(keys(tap)) == ["FB1.PAID", "happened", "late", "work"]
    clock, exchange, _, _, payload = lines(tap)[0]
    assert clock.endswith("Z")
    assert (exchange, payload) == (f"{shop.name}.events", '{"n": "a"}')
    assert (shop.ready("work"), shop.ready("late")) == (3, 1)
    tap.interrupt()
    assert tap.wait() == 0


@pytest.mark.parametrize(
    ("name", "seen"),
    [("happened", ["happened"]), ("traded", ["A.PAID"]), ("late", ["late"]), ("dead", ["nobody"])],
)
def test_an_event_or_a_queue_can_be_chosen(
    shop: Site, start_ebats: Start, name: str, seen: list[str]
) -> None:
    tap = tapping(start_ebats, shop, name)
    shop.send(["a"])
    shop.send(["b"], "trade", "A.PAID")
    shop.send(["c"], "dead", "nobody")
    wait_until(lambda: shop.ready("late") == 1, 20)
    wait_until(lambda: lines(tap), 10, lambda: tap.output)
    assert keys(tap) == seen


def test_a_limit_ends_it_and_programs_get_everything(shop: Site, start_ebats: Start) -> None:
    tap = tapping(start_ebats, shop, "happened", "--format", "json", "--limit", "2")
    shop.send(["a", "b", "c"])
    assert tap.wait() == 0
    found = [json.loads(line) for line in tap.output.splitlines() if not line.startswith("ebats:")]
    assert [message["body"]["n"] for message in found] == ["a", "b"]
    assert {message["key"] for message in found} == {"happened"}
    assert {"time", "id", "headers", "properties", "body_base64"} <= found[0].keys()


def test_what_nobody_takes_is_a_dead_letter_all_the_same(shop: Site, start_ebats: Start) -> None:
    tap = tapping(start_ebats, shop)
    # The file gets an event that the broker doesn't have yet: it must not be tapped.
    text = shop.file.read_text()
    shop.file.write_text(text.replace('"events": {', '"events": {"later": {"tasks": ["work"]},'))
    second = tapping(start_ebats, shop)
    assert "differs from" in second.output
    shop.send(["a"], "events", "later")
    shop.send(["b"], "events", "nobody")
    shop.wait_ready("dead", 2)
    refused = run_ebats("tap", shop.file, "later")
    assert (refused.returncode, "brings it up to date" in refused.stderr) == (78, True)
    assert tap.running


def test_a_stopped_tap_misses_the_oldest_and_leaves_nothing(shop: Site, start_ebats: Start) -> None:
    tap = tapping(start_ebats, shop, "happened")
    shop.send(["first"])
    wait_until(lambda: lines(tap), 10, lambda: tap.output)
    time.sleep(0.5)  # its acknowledgement is written: held within a write, it would hold up all
    tap.process.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    shop.send(map(str, range(3000)))
    assert time.monotonic() - begun < 60
    shop.wait_ready("work", 3001)
    tap.process.send_signal(signal.SIGCONT)
    wait_until(lambda: '"2999"' in tap.output, 20, lambda: tap.output[-500:])
    # Those in its hand and those that waited; the rest made room.
    assert len(lines(tap)) < 1000
    tap.kill()
    again = tapping(start_ebats, shop, "happened")
    shop.send(["last"])
    wait_until(lambda: len(lines(again)) == 1, 10)
    assert '"last"' in again.output


def test_what_cannot_be_tapped_is_said(shop: Site) -> None:
    for name, code, text in (
        ("hapened", 2, "has neither an event nor a queue 'hapened'; "),
        ("suspects", 2, "what comes to 'suspects' passes no exchange of the file"),
    ):
        result = run_ebats("tap", shop.file, name)
        assert result.returncode == code
        assert text in result.stderr


def test_purging_asks_and_says_how_many_went(shop: Site) -> None:
    shop.send(["a", "b"])
    shop.wait_ready("work", 2)
    refused = run_ebats("purge", shop.file, "work")
    assert refused.returncode == 2
    assert f"Delete 2 messages of {shop.name}.work for good?" in refused.stderr
    assert "say --yes" in refused.stderr
    assert shop.ready("work") == 2
    result = run_ebats("purge", shop.file, "work", "--yes")
    assert (result.returncode, result.stdout) == (0, f"2 messages deleted from {shop.name}.work\n")
    assert shop.ready("work") == 0
    assert run_ebats("purge", shop.file, "work").stdout == f"{shop.name}.work is empty\n"


@pytest.mark.parametrize("queue", ["dead", "suspects", "10s", "1s.happened.late"])
def test_queues_of_ebats_own_can_be_emptied(shop: Site, queue: str) -> None:
    name = queue if queue in ("dead", "suspects") else f"delay.{queue}"
    with closing(Wire(shop.url)) as wire:
        wire.send(f"{shop.name}.{name}", "{}")
    result = run_ebats("purge", shop.file, queue, "--yes")
    assert result.returncode == 0, result.stderr
    assert name in result.stdout


def test_a_queue_that_the_file_has_not_is_not_emptied(shop: Site) -> None:
    for queue in ("wrk", "topology"):
        result = run_ebats("purge", shop.file, queue, "--yes")
        assert (result.returncode, f"has no queue {queue!r}" in result.stderr) == (2, True)
