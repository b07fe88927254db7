"""What goes wrong is told: each condition in a real run, on both brokers."""

import json
import time
from typing import Any

import pytest

from tests.faults.alerting import Alerting
from tests.faults.site import Site
from tests.waiting import wait_until


@pytest.fixture
def alerting(site: Site) -> Alerting:
    """A pipeline with alerts, on SQLite and on RabbitMQ in turn."""
    return Alerting(site)


def test_dead_letters_are_told_and_that_it_is_over(alerting: Alerting) -> None:
    # Given
    alerting.write({"dead_letters": 1, "severity": "critical", "window": "6s"})
    command = alerting.site.start()

    # When
    alerting.site.send(["bad"], do="raise")

    # Then it is told whose it is and why, once, and after the window that it is over
    opened = alerting.wait_told("open")
    assert opened["title"].endswith("1 dead letter of work within 6s")
    assert (opened["subjects"], opened["owners"], opened["severity"]) == (["work"], ["warehouse"], "critical")
    assert "no luck with bad" in opened["long"]
    wait_until(lambda: alerting.shown()["open"] == 1, 10, "the status shows it")
    assert [each["rule"] for each in alerting.shown()["alerts"]] == ["dead_letters"]
    over = alerting.wait_told("over")
    assert over["id"] == opened["id"]
    alerting.site.end(command)
    assert len(alerting.told()) == 2
    sent = [each for each in alerting.site.records("log") if each.get("action") == "alert-sent"]
    assert [opened["title"] in sent[0]["text"], over["title"] in sent[1]["text"]] == [True, True]


def test_failing_slow_and_late_attempts_are_told(alerting: Alerting) -> None:
    # Given a task with a ladder
    alerting.write(
        {"failure_rate": "50%", "at_least": 4, "window": "20s"},
        {"slow": "300ms", "at_least": 2, "window": "20s"},
        {"attempts": 3, "window": "20s"},
        {"dead_letters": 100, "window": "20s"},
        task={"retry": ["100ms", "100ms", "100ms"]},
    )
    command = alerting.site.start()

    # When one message fails again and again, and others take their time
    alerting.site.send(["bad"], do="raise")
    alerting.site.send(["slow", "slower"], seconds=0.5)

    # Then each rule tells its part
    failing = alerting.wait_told("open", "failure_rate")
    assert "attempts of work failed (" in failing["title"]
    assert "work is slow: p95" in alerting.wait_told("open", "slow")["title"]
    late = alerting.wait_told("open", "attempts")
    assert "work came to attempt 3 or later" in late["title"]
    assert not alerting.told(rule="dead_letters")
    alerting.site.end(command)


@pytest.mark.slow
def test_a_long_queue_and_an_old_message_are_told_and_their_end(alerting: Alerting) -> None:
    # Given one slot for everything
    alerting.write(
        {"queue_depth": 5, "window": "1s"},
        {"queue_age": "3s", "window": "1s"},
        consumers={"all": {"concurrency": 1, "prefetch": 1}},
    )
    command = alerting.site.start()

    # When more comes than it can take
    alerting.site.send([f"m-{number}" for number in range(12)], seconds=0.6)

    # Then
    assert "messages wait in work" in alerting.wait_told("open", "queue_depth")["title"]
    assert "the oldest message of work waits for" in alerting.wait_told("open", "queue_age")["title"]
    alerting.wait_told("over", "queue_depth", 60)
    alerting.wait_told("over", "queue_age", 60)
    alerting.site.end(command)


def test_a_busy_queue_whose_messages_never_wait_long_has_no_old_message(alerting: Alerting) -> None:
    # Given a queue that is never seen empty, from which one message after the other is taken
    alerting.write({"queue_age": "4s", "window": "1s"}, consumers={"all": {"concurrency": 1, "prefetch": 1}})
    command = alerting.site.start()

    # When
    ends = time.monotonic() + 8
    while time.monotonic() < ends:
        alerting.site.send([f"m-{number}" for number in range(4)], seconds=0.2)
        time.sleep(0.8)

    # Then
    assert not alerting.told()
    alerting.site.end(command)


def test_a_process_that_dies_is_told(alerting: Alerting) -> None:
    alerting.write({"process_dies": 2, "window": "20s"})
    command = alerting.site.start()
    alerting.site.send(["poison"], do="exit")
    assert "died 2 times within 20s: exit code 3" in alerting.wait_told("open")["title"]
    alerting.site.end(command)


@pytest.mark.slow
def test_of_several_runners_one_tells_of_the_queues(alerting: Alerting) -> None:
    # Given two runners whose tasks take long
    alerting.write({"queue_depth": 5, "window": "1s"}, consumers={"all": {"concurrency": 1, "prefetch": 1}})
    first = alerting.site.start()
    time.sleep(2)  # the first has the lock
    second = alerting.site.start()

    # When
    alerting.site.send([f"m-{number}" for number in range(30)], seconds=1)

    # Then it is told once; and once the one who told it has gone, by the other
    alerting.wait_told("open")
    time.sleep(3)
    assert len(alerting.told()) == 1
    first.kill_all()
    wait_until(lambda: len(alerting.told("open")) == 2, 30, lambda: str(alerting.told()))
    second.kill_all()


@pytest.mark.slow
def test_an_acknowledged_alert_does_not_escalate(alerting: Alerting) -> None:
    # Given two rules that escalate
    critical: dict[str, Any] = {
        "severity": "critical",
        "window": "60s",
        "escalate": {"after": "6s", "channels": ["boss"]},
    }
    alerting.write(
        {"dead_letters": 1, **critical},
        {"failure_rate": "1%", "at_least": 1, **critical},
        alerts={"channels": {"pager": {"python": "tasks:page"}, "boss": {"python": "tasks:page"}}},
    )
    command = alerting.site.start()
    alerting.site.send(["bad"], do="raise")

    # When somebody acknowledges one of them
    id_ = alerting.wait_told("open", "dead_letters")["id"]
    alerting.wait_told("open", "failure_rate")
    assert f"acknowledged {id_}/work: 1 dead letter" in alerting.alerts("ack", f"{id_}/work")

    # Then the other one escalates, and that one doesn't
    assert alerting.wait_told("escalated")["rule"] == "failure_rate"
    time.sleep(2)
    assert not alerting.told("escalated", "dead_letters")
    rows = {each["rule"]: each for each in json.loads(alerting.alerts("list", "--format", "json"))}
    assert rows["dead_letters"]["acknowledged_by"] == "li"
    assert rows["failure_rate"]["acknowledged"] is None
    assert "by li" in alerting.alerts("list")
    alerting.alerts("ack", id_, code=1)
    alerting.alerts("ack")
    assert len(alerting.told("escalated")) == 1
    alerting.site.end(command)
