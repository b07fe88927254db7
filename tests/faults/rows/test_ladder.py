"""Row 19, messages whose task always fails: each attempt of the ladder, never early, then one letter."""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from tests.faults.rows.finding import Finding
from tests.faults.rows.forms import forms
from tests.faults.site import Site

#: The machine's clock, by which attempts are noted, may be slowed by 1/2000 while a rung of 30 s runs.
CLOCK_S = 0.02


@dataclass(frozen=True, slots=True)
class Form:
    """How many messages, and the rungs in milliseconds."""

    messages: int
    rungs: Sequence[int]


def text_of(rung: int) -> str:
    """Return milliseconds as a file says them."""
    return f"{rung}ms" if rung % 1000 else f"{rung // 1000}s"


def run_ladder(site: Site, form: Form) -> None:
    """Send messages whose task always fails, and run until they are dead."""
    site.write_work({"processes": 2, "concurrency": 8, "prefetch": 100}, retry=[*map(text_of, form.rungs)])
    site.declare()
    site.send([f"m-{number}" for number in range(form.messages)], do="raise")
    site.run("--fail-on-dead", code=1, deadline_s=sum(form.rungs) / 1000 + 60)


def lateness(runs: Sequence[dict[str, Any]], rungs: Sequence[int]) -> list[float]:
    """Return by how many seconds the attempts of one message were late: each but the first.

    The attempt before it failed as soon as it had begun, so it was due a rung after that.
    """
    times = [run["at"] for run in runs]
    return [
        later - (before + rung / 1000) for (before, later), rung in zip(pairwise(times), rungs, strict=True)
    ]


@pytest.mark.row(19)
@forms(quick=Form(40, (200, 500, 1000)), full=Form(500, (1000, 3000, 5000, 15_000, 30_000)))
def test_messages_that_always_fail_get_each_attempt_in_time_and_one_letter(
    row_site: Site, finding: Finding, form: Form
) -> None:
    site, attempts = row_site, len(form.rungs) + 1

    run_ladder(site, form)

    # Then each has had all its attempts, one after the other and in order, none before it was due
    runs = defaultdict(list)
    for run in site.oracle.started():
        runs[run["n"]].append(run)
    assert len(runs) == form.messages
    assert {tuple(run["attempt"] for run in each) for each in runs.values()} == {(*range(1, attempts + 1),)}
    late = [seconds for each in runs.values() for seconds in lateness(each, form.rungs)]
    assert min(late) > -CLOCK_S
    *_, p99 = statistics.quantiles(late, n=100)
    finding.caused(len(late) + form.messages)
    finding.note(f"attempts were late by {statistics.median(late):.3f} s (median), {p99:.3f} s (p99)")

    # And one letter, which says so
    letters = site.take()
    assert len(letters) == form.messages
    assert {letter.headers["ebats-attempt"] for letter in letters} == {attempts}
    assert {letter.headers["ebats-reason"] for letter in letters} == {"exhausted"}
    assert not any(site.ready(f"delay.{text_of(rung)}") for rung in form.rungs)
    finding.add(site.oracle.judge(letter.n for letter in letters), duplicates=0)
    check_records(site, form, attempts)


def check_records(site: Site, form: Form, attempts: int) -> None:
    """Check that the log tells of each attempt, and of each death once."""
    outcomes = [record["outcome"] for record in site.records()]
    assert outcomes.count("retry") == form.messages * (attempts - 1)
    assert outcomes.count("dead") == form.messages
    assert len(outcomes) == form.messages * attempts
