"""The machine's clock set ahead, back and by a little, and summer time, while messages wait."""

import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ebats.pipelines import ticks
from tests.clock_faker import FakedClock
from tests.faults.clocks import at_ms, check_gapless, launch, ticked, wait_ticks, write
from tests.faults.rows.finding import Finding
from tests.faults.rows.forms import forms
from tests.faults.rows.lines import check_told
from tests.faults.site import Site
from tests.waiting import wait_until

pytestmark = [pytest.mark.row(15), pytest.mark.slow]

HOUR_S = 3600.0


@pytest.fixture
def clock(tmp_path: Path) -> FakedClock:
    """A clock that the processes of a run see in place of the machine's."""
    return FakedClock(tmp_path)


@forms(quick=(20, "3s"), full=(100, "20s"))
def test_an_hour_ahead_and_an_hour_back_start_nothing_twice_and_lose_nothing(
    row_site: Site, clock: FakedClock, finding: Finding, form: tuple[int, str]
) -> None:
    # Given messages on a rung, runs in hand and others behind them, and a clock that ticks each second
    count, delay = form
    site = row_site
    site.more_environ = clock.environ()
    write_waiting(site, delay)
    command = launch(site)
    held = [f"held-{number}" for number in range(8)]
    site.send(held, do="wait_for_go")
    # Of those that one process takes, four begin.
    wait_until(lambda: started(site, "held-") >= 4, 40)
    site.send([f"behind-{number}" for number in range(10)])
    site.send([f"later-{number}" for number in range(count)], key="later")
    site.send([f"retried-{number}" for number in range(count)], do="fail_once")

    # When the clock is set an hour ahead
    clock.step(HOUR_S)
    finding.caused()
    command.wait_for_output("ticks were missed since", 30)
    # What is in hand stays there, and what is behind it isn't taken for long overdue
    time.sleep(1.0)
    (site.folder / "go").touch()
    site.wait_done()
    wait_more_ticks(site)

    # And an hour back, with messages on the rung that were put there before
    site.send([f"again-{number}" for number in range(count)], do="fail_once")
    wait_until(lambda: started(site, "again-") == count, 30)
    clock.step(-HOUR_S)
    finding.caused()
    command.wait_for_output("the machine's clock was set back", 30)
    # Where the broker's clock is the machine's, they come an hour later, as it is by then
    time.sleep(1.0)
    clock.step(HOUR_S)
    finding.caused()
    site.wait_done()
    wait_more_ticks(site)

    # Then nothing was started twice, nothing is lost, and no tick came twice
    site.end(command)
    check_started_once(site)
    assert "handed back" not in command.output.partition("stops: ")[0]
    check_told(command, begins="ticks were missed since")
    check_told(command, begins=r"clock was set back, to \d+ min before the last tick")
    finding.add(site.oracle.judge(), duplicates=0)


def write_waiting(site: Site, delay: str) -> None:
    """Write a file with a rung, an event's own rung, and a clock."""
    site.write(
        tasks={"work": {"python": "tasks:work", "retry": [delay]}, "collect": {"python": "tasks:collect"}},
        events={
            "happened": {"tasks": ["work"]},
            "later": {"tasks": [{"task": "work", "delay": delay}]},
            "ticked": {"tasks": ["collect"]},
        },
        producers={"clock": {"every": "1s", "payload": "{{ tick }}", "event": "ticked"}},
        consumers={"all": {"processes": 2, "concurrency": 4, "prefetch": 20}},
    )


def wait_more_ticks(site: Site) -> None:
    """Wait until the clock goes on."""
    seen = len({*ticked_at(site)})
    wait_until(lambda: len({*ticked_at(site)}) > seen + 1, 30, "no more ticks")


def check_started_once(site: Site) -> None:
    """Check that each attempt of each message was started once, and each tick came once."""
    assert not site.take()
    attempts = Counter((run["n"], run["attempt"]) for run in site.oracle.started() if run["n"])
    assert {*attempts.values()} == {1}, attempts.most_common(3)
    times = Counter(ticked_at(site))
    assert {*times.values()} == {1}, times.most_common(3)


def check_long_task_runs_once(site: Site, clock: FakedClock, finding: Finding, limit_s: float) -> None:
    """Set the clock under a task of any length, where another process would take what came back early."""
    site.more_environ = clock.environ()
    site.write(
        # As a file says it that is for RabbitMQ too: there, its message is parked after a third of it.
        broker={"url": site.url, "consumer_timeout": f"{limit_s:g}s"},
        tasks={"work": {"python": "tasks:work", "timeout": "none"}},
        events={"happened": {"tasks": ["work"]}},
        consumers={"all": {"processes": 2, "concurrency": 1, "prefetch": 2}},
    )
    command = site.start()
    site.send(["long"], do="wait_for_go")
    site.wait_started(1)
    time.sleep(limit_s / 2)
    for step_s in (HOUR_S, -2 * HOUR_S, HOUR_S):
        clock.step(step_s)
        finding.caused()
        # Longer than a lease lasts.
        time.sleep(limit_s / 3)
    (site.folder / "go").touch()
    site.wait_done()
    # What came back lies there, or is at work.
    site.send(["after"])
    site.wait_done()
    site.end(command)
    assert sorted(run["n"] for run in site.oracle.started()) == ["after", "long"]
    assert not site.ready("work")
    finding.add(site.oracle.judge(), duplicates=0)


def test_a_long_task_runs_once_on_the_embedded_broker(
    local_site: Site, clock: FakedClock, finding: Finding
) -> None:
    check_long_task_runs_once(local_site, clock, finding, 6)


@pytest.mark.soak
def test_a_long_task_runs_once_whose_lease_is_the_brokers(
    row_site: Site, clock: FakedClock, finding: Finding
) -> None:
    check_long_task_runs_once(row_site, clock, finding, 30)


def started(site: Site, prefix: str) -> int:
    """Count the runs of messages whose names begin so."""
    return sum(run["n"].startswith(prefix) for run in site.oracle.started())


def ticked_at(site: Site) -> list[str]:
    """Return the ticks of which a message came."""
    return [run["payload"] for run in site.oracle.started() if not run["n"]]


def test_small_corrections_of_the_clock_lose_no_tick_and_repeat_none(
    local_site: Site, clock: FakedClock, finding: Finding
) -> None:
    site = local_site
    site.more_environ = clock.environ()
    write(site, every="200ms")
    command = launch(site)
    wait_ticks(site, 3)
    for number in range(10):
        clock.step(0.45 if number % 3 else -0.6)
        finding.caused()
        time.sleep(0.3)
    wait_ticks(site, len({*ticked(site)}) + 5)
    site.end(command)
    times = check_gapless(site, 200)
    assert {*times.values()} == {1}, times.most_common(3)
    finding.note(f"{len(times)} ticks, one message each")


#: When the clock of Berlin is set, and for each cron line the ticks that come around it, in UTC.
CHANGES = [
    pytest.param(
        "2027-03-28T00:59:50",
        {"* * * * *": ["01:00"], "30 2 * * *": ["01:00"]},
        id="summer: 02:00 to 03:00 are left out",
    ),
    pytest.param(
        "2027-10-31T01:29:50",
        {"* * * * *": ["01:30"], "30 2 * * *": []},
        id="winter: 02:00 to 03:00 are there twice",
    ),
]


@pytest.mark.soak
@pytest.mark.parametrize(("moment", "expected"), CHANGES)
def test_summer_time_leaves_out_no_tick_and_repeats_none(
    local_site: Site, clock: FakedClock, finding: Finding, moment: str, expected: dict[str, list[str]]
) -> None:
    # Given a run that began before the change of the hour
    site = local_site
    site.more_environ = clock.environ()
    names = dict(zip(("each", "daily"), expected, strict=True))
    begins = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    site.write(
        timezone="Europe/Berlin",
        tasks={"collect": {"python": "tasks:collect"}},
        events={"ticked": {"tasks": ["collect"]}},
        producers={
            name: {"cron": line, "payload": {"of": name, "at": "{{ tick }}"}, "event": "ticked"}
            for name, line in names.items()
        },
    )
    clock.set(begins.timestamp() - 3600)
    command = site.launch()
    wait_until(lambda: command.output.count("fires the ticks") == 2, 40)

    # When the hour comes that isn't there, or is there twice
    clock.set(begins.timestamp())
    finding.caused()
    wait_until(lambda: clock.time() > begins.timestamp() + 15, 30)

    # Then each tick comes once
    site.end(command)
    for name, line in names.items():
        came = [run["payload"]["at"] for run in site.oracle.started() if run["payload"]["of"] == name]
        late = [at for at in came if at_ms(at) > begins.timestamp() * 1000]
        assert [ticks.written(at_ms(at), "UTC")[11:16] for at in late] == expected[line], came
        assert len({*came}) == len(came)
