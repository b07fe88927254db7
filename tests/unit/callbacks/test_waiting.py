from ebats.runner.callbacks.sent import Sent, result_of
from ebats.runner.execution.outcome import Failed, Postponed

DOWN = Sent("POST", "http://a/", "waiting", "a is down", wait_ms=3_000, is_down=True)
CROWDED = Sent("POST", "http://b/", "waiting", "b has no place", wait_ms=1_000)
DONE = Sent("POST", "http://c/", "success")
FAILED = Sent("POST", "http://d/", "failed", "500 Internal Server Error")


def test_the_first_wait_for_a_host_that_is_down_is_remembered_and_the_shortest_wait_taken() -> None:
    found = result_of([DONE, DOWN, CROWDED], now=100.0)
    assert isinstance(found, Postponed)
    assert (found.wait_ms, found.why, found.done, found.since) == (1_000, "b has no place", (1,), 100.0)
    again = result_of([DOWN], now=100.0, since=40.0)
    assert isinstance(again, Postponed)
    assert again.since == 40.0


def test_a_clock_that_is_ahead_lets_nothing_wait_for_ever() -> None:
    found = result_of([DOWN], now=100.0, since=1e12)
    assert isinstance(found, Postponed)
    assert found.since == 100.0


def test_waiting_for_a_place_begins_no_wait_for_a_host_and_ends_none() -> None:
    found = [result_of([CROWDED], now=100.0, since=since) for since in (None, 40.0)]
    assert [one.since for one in found if isinstance(one, Postponed)] == [None, 40.0]


def test_what_was_sent_and_failed_is_an_attempt_also_where_others_wait() -> None:
    found = result_of([DONE, FAILED, DOWN], now=100.0)
    assert isinstance(found, Failed)
    assert (found.how, found.done) == ("http", (1,))
