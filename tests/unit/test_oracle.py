"""The oracle of the faults: it sees what is lost, what is there twice, and what nobody has sent."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.faults.oracle import Oracle, append
from tests.faults.rows.finding import Finding
from tests.faults.soak.ledger import Ledger


def oracle(folder: Path, done: Iterable[str]) -> Oracle:
    """Return one of three messages, of which two were confirmed, with runs that came to their end."""
    found = Oracle(folder)
    found.attempting(["a", "b", "c"])
    found.confirmed(["a", "b"])
    append(folder / "done", "".join(json.dumps({"n": name}) + "\n" for name in done))
    return found


def test_what_is_confirmed_and_nowhere_is_lost(tmp_path: Path) -> None:
    verdict = oracle(tmp_path, "a").judge()

    assert (verdict.attempted, verdict.confirmed, verdict.done) == (3, 2, 1)
    assert verdict.lost == ("b",)
    with pytest.raises(AssertionError, match="lost 1"):
        verdict.check(duplicates=100)


@pytest.mark.parametrize("place", ["dead", "waiting"])
def test_what_is_dead_or_waits_is_not_lost(tmp_path: Path, place: str) -> None:
    verdict = oracle(tmp_path, "a").judge(**{place: ["b"]})

    verdict.check(duplicates=0)
    assert getattr(verdict, place) == 1


def test_what_was_not_confirmed_may_be_done_or_not(tmp_path: Path) -> None:
    oracle(tmp_path, "abc").judge().check(duplicates=0)


def test_runs_beyond_the_first_are_duplicates(tmp_path: Path) -> None:
    verdict = oracle(tmp_path, "abbb").judge()

    assert verdict.duplicates == 2
    verdict.check(duplicates=2)
    with pytest.raises(AssertionError, match="more than 1 duplicates"):
        verdict.check(duplicates=1)


@pytest.mark.parametrize("place", ["dead", "waiting"])
def test_what_is_done_and_still_there_is_a_duplicate(tmp_path: Path, place: str) -> None:
    verdict = oracle(tmp_path, "ab").judge(**{place: ["b"]})

    with pytest.raises(AssertionError, match="more than 0 duplicates"):
        verdict.check(duplicates=0)


@pytest.mark.parametrize("more", [{"done": "abx"}, {"dead": "x"}, {"waiting": "x"}])
def test_what_nobody_has_sent_is_unexpected(tmp_path: Path, more: dict[str, str]) -> None:
    found = oracle(tmp_path, more.pop("done", "ab"))

    with pytest.raises(AssertionError, match="unexpected 1"):
        found.judge(**more).check(duplicates=100)


def test_a_line_that_is_still_on_its_way_is_not_read(tmp_path: Path) -> None:
    found = oracle(tmp_path, "a")
    append(tmp_path / "done", '{"n": "b')

    assert found.done_names() == {"a"}


def test_a_control_that_sees_no_loss_fails(tmp_path: Path) -> None:
    finding = Finding(row=7, test="t", broker="rabbitmq310")

    with pytest.raises(AssertionError, match="the control saw no loss"):
        finding.add_control(oracle(tmp_path, "ab").judge())


def test_the_ledger_of_a_soak_counts_runs(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.attempting(["pair-1", "alone-1", "poisoned-1"])
    ledger.confirmed(["pair-1", "alone-1", "poisoned-1"])
    for task in ("left", "left"):
        ledger.done("pair-1", task)
    ledger.done("alone-2", "alone")

    verdict = ledger.judge(dead=["poisoned-1/fragile", "pair-1/left"])

    assert verdict.lost == ("alone-1/alone", "pair-1/right")
    # Done twice, and dead beside that.
    assert verdict.duplicates == 2
    # Only a poison may die.
    assert verdict.unexpected == ("alone-2/alone", "pair-1/left")
