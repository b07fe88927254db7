"""What follows from a result."""

import pytest

from ebats.pipelines.model import Ladder
from ebats.runner.execution.outcome import DONE, Dead, Failed, How, Retry, Returned, decide

LADDER = Ladder(rungs_ms=(1_000, 3_000))


def failed(how: How) -> Failed:
    return Failed(how, "Error", "text")


def test_returning_is_success_whatever_comes_back() -> None:
    assert decide(Returned(None), LADDER, 1) == DONE
    assert decide(Returned(False), None, 99) == DONE


@pytest.mark.parametrize("how", ["exception", "retry", "timeout"])
def test_a_failure_climbs_the_ladder_to_its_end(how: How) -> None:
    decisions = [decide(failed(how), LADDER, attempt) for attempt in (1, 2, 3, 4)]
    assert decisions == [Retry(1_000), Retry(3_000), Dead("exhausted"), Dead("exhausted")]


def test_without_a_ladder_an_exception_and_a_time_out_are_the_end() -> None:
    assert decide(failed("exception"), None, 1) == Dead("failed")
    assert decide(failed("timeout"), None, 1) == Dead("timeout")


def test_retry_without_a_ladder_waits_ten_seconds_five_times() -> None:
    decisions = [decide(failed("retry"), None, attempt) for attempt in range(1, 7)]
    assert decisions == [Retry(10_000)] * 5 + [Dead("exhausted")]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("reject", "rejected"),
        ("arguments", "arguments"),
        ("undecodable", "undecodable"),
        ("crashed", "crashed"),
        ("unknown", "unknown"),
    ],
)
def test_what_another_attempt_would_not_mend_gets_none(how: How, reason: str) -> None:
    for ladder in (LADDER, None):
        decision = decide(failed(how), ladder, 1)
        assert isinstance(decision, Dead)
        assert decision.reason == reason
