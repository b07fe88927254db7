"""Python producers that are stopped, killed, or without a broker: what they yielded is there."""

import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.acceptance.test_python_producers import notes, write
from tests.brokers import RabbitNode
from tests.commands import RunningCommand
from tests.faults.site import Site
from tests.waiting import wait_until

#: What may be on its way at once.
WINDOW = 1000


def launch(site: Site, *flags: str) -> RunningCommand:
    """Start the producer alone: what it publishes stays in the queue."""
    command = site.launch("--only", "feed", *flags)
    command.wait_for_output("publishes what", 40)
    return command


def names(site: Site) -> set[str]:
    """Take the messages from the queue, by their names."""
    return {letter.n for letter in site.take("work")}


@pytest.mark.parametrize("function", ["forever", "watches"])
def test_a_producer_that_is_stopped_has_published_all_that_it_yielded(site: Site, function: str) -> None:
    write(site, function)
    command = launch(site)
    wait_until(lambda: len(notes(site)) > 50, 30)
    site.end(command)
    assert notes(site)[-1] == "closed"
    said = {f"m-{note.split()[1]}" for note in notes(site) if note.startswith(("yields", "published"))}
    assert said <= names(site)


def test_a_coroutine_that_waits_is_cancelled(local_site: Site) -> None:
    site = local_site
    write(site, "forever_async")
    command = launch(site)
    site.wait_ready("work", 1)
    site.end(command)
    assert notes(site) == ["closed"]
    assert "failed" not in command.output


def test_one_that_comes_to_no_yield_is_cut_short_after_the_grace_time(local_site: Site) -> None:
    site = local_site
    write(site, "sleeps")
    command = launch(site)
    site.wait_ready("work", 1)
    site.end(command)
    assert "neither yields nor returns within the grace time of 5 s: it is cut short" in command.output


@pytest.mark.slow
def test_what_a_killed_producer_had_published_is_there_and_it_begins_anew(site: Site) -> None:
    write(site, "watches")
    command = launch(site)
    killed: set[int] = set()
    for _ in range(3):
        before = len(notes(site))
        wait_until(lambda before=before: len(notes(site)) > before + 30, 30)  # type: ignore[misc]
        (process,) = site.consumers(command, "feed#")
        killed.add(process.pid)
        process.send_signal(signal.SIGKILL)
    before = len(notes(site))
    wait_until(lambda: len(notes(site)) > before + 10, 30)
    site.end(command)
    assert len(killed) == 3
    # Each is there as often as it was said to be published.
    published = [note.split()[1] for note in notes(site) if note.startswith("published")]
    found = [letter.n.removeprefix("m-") for letter in site.take("work")]
    for number in set(published):
        assert found.count(number) >= published.count(number), number


def flooded(folder: Path) -> int:
    """Return how many payloads were asked for."""
    path = folder / "flood"
    return int(path.read_bytes() or b"0") if path.exists() else 0


@pytest.mark.slow
@pytest.mark.parametrize("function", ["flood", "flood_async"])
def test_while_the_broker_is_away_no_more_is_asked_for(
    own_node: Callable[..., RabbitNode], make_site: Callable[[str], Site], function: str
) -> None:
    node = own_node()
    site = make_site(node.url)
    write(site, function)
    command = launch(site)
    wait_until(lambda: flooded(site.folder) > 2 * WINDOW, 60)
    (process,) = site.consumers(command, "feed#")

    node.kill()
    confirmed = flooded(site.folder)
    beats = site.folder / "beats"
    stands_still(site.folder)
    assert flooded(site.folder) <= confirmed + 2 * WINDOW
    memory = psutil.Process(process.pid).memory_info().rss
    if function == "flood_async":  # its event loop lives
        before = beats.read_text()
        wait_until(lambda: beats.read_text() != before)
    node.start()

    wait_until(lambda: flooded(site.folder) > confirmed + 3 * WINDOW, 90)
    assert psutil.Process(process.pid).memory_info().rss < memory + 20_000_000
    site.end(command, 60)
    # All but the last, which it was closed at, was yielded.
    yielded = {f"m-{number}" for number in range(flooded(site.folder))}
    assert yielded <= names(site)


def stands_still(folder: Path) -> None:
    """Wait until nothing is asked for any more."""
    last = [-1, 0]

    def is_still() -> bool:
        now = flooded(folder)
        last[1] = last[1] + 1 if now == last[0] else 0
        last[0] = now
        return last[1] >= 10

    wait_until(is_still, 30, every_s=0.2)
