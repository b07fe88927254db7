"""Clocks: each tick once, whoever dies, and the same id wherever it is published."""

from contextlib import closing

import pytest

from ebats.pipelines import ticks
from tests.faults.clocks import (
    HOUR_MS,
    at_ms,
    check_gapless,
    hourly,
    launch,
    leads,
    remember,
    ticked,
    wait_ticks,
    write,
)
from tests.faults.site import Site
from tests.integration.wire import Wire
from tests.waiting import wait_until

pytestmark = pytest.mark.slow


def test_another_runner_takes_over_from_one_that_was_killed_and_no_tick_is_missing(site: Site) -> None:
    write(site, every="1s")
    first = launch(site)
    second = launch(site)
    assert "another runner fires the ticks" in second.output
    wait_ticks(site, 4)

    first.kill_all()

    wait_until(lambda: leads(second) == 1, 30, lambda: second.output[-4000:])
    wait_ticks(site, 9)
    site.end(second)
    times = check_gapless(site, 1_000)
    # What was in hand when its process was killed runs again.
    assert sum(times.values()) <= len(times) + 2


def test_a_clock_killed_again_and_again_misses_none_and_repeats_with_the_same_id(site: Site) -> None:
    write(site, every="100ms")
    command = launch(site)
    for _ in range(6):
        (clock,) = wait_until(lambda: site.consumers(command, "clock#1"), 30, "no clock")
        seen = len({*ticked(site)})
        clock.kill()
        wait_ticks(site, seen + 5)
    site.end(command)
    times = check_gapless(site, 100)
    # At most what was published, and not yet kept as done, when it was killed.
    assert sum(times.values()) - len(times) <= 6 * 3


def test_a_tick_that_was_published_and_not_kept_comes_again_with_its_id(site: Site) -> None:
    line, last = hourly()
    write(site, cron=line)
    for count in (1, 2):
        remember(site, last - HOUR_MS, cron=line)
        command = launch(site)
        wait_until(lambda count=count: len(ticked(site)) == count, 20)
        site.end(command)
        # As if it had died before it was kept.
        site.take("ticks.clock")
    assert {run["id"] for run in site.oracle.started()} == {ticks.message_id(site.name, "clock", last)}
    assert len(ticked(site)) == 2


@pytest.mark.parametrize(("missed", "count"), [("skip", 0), ("once", 1), ("all", 3)])
def test_after_a_pause_missed_ticks_are_as_the_file_says(site: Site, missed: str, count: int) -> None:
    line, last = hourly()
    write(site, cron=line, timezone="Asia/Shanghai", missed=missed)
    remember(site, last - 3 * HOUR_MS, cron=line, zone="Asia/Shanghai")
    command = launch(site)
    if count:
        wait_ticks(site, count)
    wait_until(lambda: "ticks were missed since" in command.output, 20)
    site.end(command)
    expected = [ticks.written(last - ago * HOUR_MS, "Asia/Shanghai") for ago in range(count)]
    assert sorted(ticked(site)) == sorted(expected)
    (kept,) = site.take("ticks.clock")
    assert ticks.from_json(kept.body).dealt_ms == last


def test_at_start_is_published_once_in_a_run_by_the_first_runner_before_the_run_is_idle(site: Site) -> None:
    write(site, at_start=True, payload={"at": "{{ tick }}", "n": 1})
    site.run()
    assert len(ticked(site)) == 1
    site.run()
    first, second = site.oracle.started()
    assert first["id"] != second["id"]
    for run in (first, second):
        at = at_ms(run["payload"]["at"])
        assert run["id"] == ticks.message_id(site.name, "clock", at, is_start=True)
        assert run["payload"]["n"] == 1


def test_a_start_is_not_published_again_when_its_process_dies_nor_by_a_second_runner(site: Site) -> None:
    write(site, at_start=True)
    command = launch(site)
    wait_ticks(site, 1)
    (clock,) = site.consumers(command, "clock#1")
    clock.kill()
    wait_until(lambda: leads(command) == 2, 30, lambda: command.output[-4000:])

    second = launch(site)
    command.kill_all()
    wait_until(lambda: leads(second) == 1, 40, lambda: second.output[-4000:])
    (clock,) = site.consumers(second, "clock#1")
    clock.kill()
    wait_until(lambda: leads(second) == 2, 30, lambda: second.output[-4000:])
    site.end(second)
    assert len({run["id"] for run in site.oracle.started()}) == 1


def test_a_clock_feeds_a_task_an_intake_and_events_of_each_format(site: Site) -> None:
    collect = {"python": "tasks:collect"}
    site.write(
        queues={"inbox": {}},
        tasks={"collect": collect, "direct": collect},
        events={
            "text": {"format": "text", "tasks": ["collect"]},
            "bytes": {"format": "bytes", "tasks": ["collect"]},
            "later": {"tasks": [{"task": "collect", "delay": "1s"}]},
            "taken": {"queue": "inbox", "tasks": ["collect"]},
        },
        producers={
            "a": {"at_start": True, "task": "direct", "payload": [1, None, "{{ tick }}"]},
            "b": {"at_start": True, "event": "text", "payload": "at {{ tick }}"},
            "c": {"at_start": True, "event": "bytes", "payload": "plain"},
            "d": {"at_start": True, "event": "later", "payload": {"of": "d"}},
            "e": {"at_start": True, "event": "taken"},
        },
    )
    site.run(deadline_s=90)
    found = {(run["task"], run["event"]): run["payload"] for run in site.oracle.started()}
    assert len(site.oracle.started()) == 5
    assert found["direct", None][:2] == [1, None]
    assert found["collect", "text"].startswith("at 2")
    assert found["collect", "bytes"] == str(b"plain")
    assert found["collect", "later"] == {"of": "d"}
    assert found["collect", "taken"] == {}


def test_a_changed_line_begins_anew_and_what_is_unreadable_is_told(site: Site) -> None:
    line, _ = hourly()
    write(site, cron=line, missed="all")
    remember(site, 0, every_ms=2 * HOUR_MS)
    command = launch(site)
    site.end(command)
    assert "missed" not in command.output
    site.take("ticks.clock")
    with closing(Wire(site.url)) as wire:
        wire.send(f"{site.name}.ticks.clock", "nonsense")
    command = launch(site)
    assert f"what is kept in the queue {site.name}.ticks.clock can't be read" in command.output
    site.end(command)
    (kept,) = site.take("ticks.clock")
    assert ticks.from_json(kept.body).schedule == f"{line} UTC"
    assert not ticked(site)


def test_of_two_that_are_kept_the_later_counts(site: Site) -> None:
    line, last = hourly()
    write(site, cron=line, missed="all")
    remember(site, last, cron=line)
    remember(site, last - 5 * HOUR_MS, cron=line)
    site.end(launch(site))
    assert len(site.take("ticks.clock")) == 1
    assert not ticked(site)
