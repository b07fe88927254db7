"""A broker or a sink that is away is told; and a storm is a handful of messages."""

import json
from collections.abc import Callable

import pytest

from tests.brokers import RabbitNode, free_port
from tests.faults.alerting import Alerting
from tests.faults.send import Message
from tests.faults.site import Site
from tests.merchant import Merchant, status
from tests.waiting import wait_until

FAILURES, TASKS = 10_000, 500


@pytest.mark.slow
def test_a_broker_that_is_away_is_told_and_that_it_is_back(
    own_node: Callable[..., RabbitNode], make_site: Callable[[str], Site]
) -> None:
    # Given
    node = own_node()
    alerting = Alerting(make_site(node.url))
    alerting.write({"broker_away": "2s", "window": "1s"}, {"queue_depth": 1, "window": "1s"})
    command = alerting.site.start()

    # When
    node.stop()

    # Then
    assert "the broker has been out of reach for" in alerting.wait_told("open", "broker_away")["title"]
    node.start()
    alerting.wait_told("over", "broker_away", 60)
    # What can't be looked at neither begins nor ends.
    assert not alerting.told(rule="queue_depth")
    alerting.site.end(command)


@pytest.mark.slow
def test_a_broker_that_is_away_at_the_start_is_told(make_site: Callable[[str], Site]) -> None:
    alerting = Alerting(make_site(f"amqp://guest:guest@127.0.0.1:{free_port()}"))
    alerting.write({"broker_away": "4s"})
    command = alerting.site.launch()
    assert "Connection refused" in alerting.wait_told("open")["title"]
    command.terminate()
    assert command.wait() == 0


@pytest.mark.slow
def test_a_sink_that_takes_nothing_is_told_and_that_it_does_again(local_site: Site) -> None:
    # Given a sink whose folder is none
    alerting = Alerting(local_site)
    logs = alerting.site.folder / "logs"
    logs.write_text("in the way")
    alerting.write(
        {"sink_away": "1s", "window": "1s"}, logs={"history": {"file": {"path": "logs/shop.jsonl"}}}
    )
    command = alerting.site.launch()

    # When
    told = alerting.wait_told("open")

    # Then
    assert "sink history has taken nothing for" in told["title"]
    logs.unlink()
    alerting.wait_told("over")
    command.terminate()
    assert command.wait() == 0


@pytest.mark.slow
def test_records_that_found_no_room_are_told(local_site: Site) -> None:
    # Given an Elasticsearch that is away, and a small spool
    alerting = Alerting(local_site)
    search = {
        "hosts": [f"http://127.0.0.1:{free_port()}"],
        "payload": "full",
        "payload_limit": "100KB",
        "spool": {"size": "10MB"},
    }
    alerting.write({"spool_overflow": 10}, {"sink_away": "1s"}, logs={"search": {"elasticsearch": search}})
    command = alerting.site.launch()

    # When more comes than it holds
    alerting.site.declare()
    alerting.site.send([f"m-{number}" for number in range(250)], padding="x" * 90_000)

    # Then
    assert "found no room in sink search" in alerting.wait_told("open", "spool_overflow", 60)["title"]
    alerting.wait_told("open", "sink_away")
    command.terminate()
    assert command.wait(60) == 0


def test_a_channel_whose_function_is_not_there_starts_nothing(local_site: Site) -> None:
    alerting = Alerting(local_site)
    alerting.write({"dead_letters": 1}, alerts={"channels": {"pager": {"python": "tasks:pager"}}})
    command = alerting.site.launch()
    assert command.wait() == 78
    assert "pager" in command.output


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_storm_is_a_handful_of_messages(local_site: Site) -> None:
    # Given many tasks that all fail, and three rules for that
    site = local_site
    with Merchant(status(200)) as stub:
        tasks = {f"task{number}": {"python": "tasks:work", "queue": "work"} for number in range(TASKS)}
        rules = [{"dead_letters": 1}, {"failure_rate": "10%", "at_least": 1}, {"slow": "10m", "at_least": 1}]
        site.write(
            queues={"work": {}},
            tasks=tasks,
            consumers={"all": {"processes": 2}},
            logs={"history": {"file": {"path": "log.jsonl"}}},
            alerts={"channels": {"hook": {"webhook": {"url": stub.url()}}}, "rules": rules},
        )
        site.declare()
        messages = [_message(site, number) for number in range(FAILURES)]
        site.send_messages(messages)

        # When
        command = site.launch()
        wait_until(lambda: len(site.records()) >= FAILURES, 100, "not all have failed", every_s=0.5)
        # The first message goes at once, with those that have failed by then; the next with all the others.
        wait_until(lambda: _most_subjects(stub) >= 50, 60, "the others are told of")
        site.end(command)

        # Then what is told counts them, and is little
        notices = [json.loads(call.body) for call in stub.calls]
    assert {each["rule"] for each in notices} == {"dead_letters", "failure_rate"}
    assert len(stub.calls) <= 16, [each["title"] for each in notices]
    (state,) = site.folder.glob("state/*/alerts/0/state.json")
    alerts = {each["rule"]: each for each in json.loads(state.read_text())["alerts"]}
    incidents = alerts["dead_letters"]["open"].values()
    assert (len(incidents), sum(each["count"] for each in incidents)) == (TASKS, FAILURES)


def _most_subjects(stub: Merchant) -> int:
    return max((len(json.loads(call.body)["subjects"]) for call in stub.calls), default=0)


def _message(site: Site, number: int) -> Message:
    body = json.dumps({"n": f"m-{number}", "do": "raise"}).encode()
    return Message(name=f"m-{number}", exchange=f"{site.name}.tasks", key=f"task{number % TASKS}", body=body)
