"""Alerts outlive what tells them: the alerter killed, the run killed, channels away, raising, hanging."""

import json
import time

import pytest

from tests.brokers import free_port
from tests.faults.alerting import PAGER, Alerting
from tests.faults.site import Site
from tests.merchant import Merchant, status
from tests.waiting import wait_until


@pytest.fixture
def alerting(local_site: Site) -> Alerting:
    """A pipeline with alerts."""
    return Alerting(local_site)


@pytest.mark.slow
def test_a_killed_alerter_is_replaced_and_tells_nothing_twice(alerting: Alerting) -> None:
    # Given an open alert
    alerting.write({"dead_letters": 1, "window": "8s"})
    command = alerting.site.start()
    alerting.site.send(["bad"], do="raise")
    opened = alerting.wait_told("open")
    command.wait_for_output("sent alert")
    time.sleep(0.5)
    before = alerting.alerter(command)

    # When the alerter is killed, twice, and it all goes on
    for _ in range(2):
        before.kill()
        before.wait()
        before = alerting.alerter(command)
        alerting.site.send([f"bad-{before.pid}"], do="raise")

    # Then it is the same alert, and its end is told
    over = alerting.wait_told("over", deadline_s=40)
    assert over["id"] == opened["id"]
    assert over["count"] >= 2
    assert len(alerting.told()) == 2
    alerting.site.end(command)


@pytest.mark.slow
def test_a_killed_run_goes_on_with_its_alerts(alerting: Alerting) -> None:
    # Given an open alert, acknowledged by somebody
    alerting.write({"dead_letters": 1, "window": "5s"})
    command = alerting.site.start()
    alerting.site.send(["bad"], do="raise")
    opened = alerting.wait_told("open")
    alerting.alerts("ack")

    # When all is killed
    command.kill_all()

    # Then it still is open, also for who asks
    (shown,) = json.loads(alerting.alerts("list", "--format", "json"))
    assert (shown["id"], shown["runner_lives"], shown["acknowledged_by"]) == (opened["id"], False, "li")
    again = alerting.site.start()
    assert alerting.wait_told("over")["id"] == opened["id"]
    assert len(alerting.told()) == 2
    alerting.site.end(again)


@pytest.mark.slow
def test_what_could_not_be_sent_is_sent_by_the_next_run(alerting: Alerting) -> None:
    # Given a channel where nobody listens
    port = free_port()
    url = f"http://127.0.0.1:{port}/hook"
    alerting.write({"dead_letters": 1}, alerts={"channels": {"hook": {"webhook": {"url": url}}}})
    command = alerting.site.start()
    alerting.site.send(["bad"], do="raise")
    command.wait_for_output("couldn't send alert")
    alerting.site.end(command)
    (failed, *_) = [each for each in alerting.site.records("log") if each.get("action") == "alert-failed"]
    assert failed["level"] == "warning"

    # When somebody does
    with Merchant(status(200), port=port) as stub:
        again = alerting.site.start()

        # Then it is told, once
        wait_until(lambda: stub.calls, 30, "it is told")
        assert json.loads(stub.calls[0].body)["state"] == "open"
        alerting.site.end(again)
        opened = [call for call in stub.calls if json.loads(call.body)["state"] == "open"]
        assert len(opened) == 1


@pytest.mark.slow
def test_channels_that_hang_or_raise_are_in_nobodys_way(alerting: Alerting) -> None:
    # Given
    channels = {
        "hangs": {"python": "tasks:page_hangs"},
        "raises": {"python": "tasks:page_raises"},
        **PAGER,
    }
    alerting.write({"dead_letters": 1}, alerts={"channels": channels})
    command = alerting.site.start()

    # When something is to be told, and there is work to do
    alerting.site.send(["bad"], do="raise")
    alerting.wait_told("open")
    alerting.site.send([f"m-{number}" for number in range(100)])

    # Then all goes on, and the run ends in time
    alerting.site.wait_done_but("bad")
    alerting.wait_told("over")
    began = time.monotonic()
    alerting.site.end(command)
    assert time.monotonic() - began < 30
    assert (alerting.site.folder / "hangs").read_text()
    failed = [each for each in alerting.site.records("log") if each.get("action") == "alert-failed"]
    assert any("nobody is there" in each["text"] for each in failed)


@pytest.mark.slow
def test_a_digest_that_was_missed_is_sent_at_the_start_once(alerting: Alerting) -> None:
    # Given runs of a day, that ended before the digest was due
    alerting.write(alerts={"digest": "0 9 * * *"})
    command = alerting.site.start()
    alerting.site.send(["bad"], do="raise")
    alerting.site.send(["good", "better"])
    alerting.site.wait_done_but("bad")
    time.sleep(1.5)
    alerting.site.end(command)
    (state,) = alerting.site.folder.glob("state/*/alerts/0/state.json")
    memory = json.loads(state.read_text())
    memory["day"]["since"] -= 86_400
    state.write_text(json.dumps(memory))

    # When
    command = alerting.site.start()

    # Then
    told = alerting.wait_told("digest")
    assert "3 executions" in told["title"]
    assert "1 dead" in told["title"]
    assert told["host"] in told["text"]
    alerting.site.end(command)
    command = alerting.site.start()
    time.sleep(2)
    alerting.site.end(command)
    assert len(alerting.told()) == 1
