"""Row 16, messages that end the process they run in: found out alone, whatever runs beside them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.faults.rows.finding import Finding
from tests.faults.rows.forms import forms
from tests.faults.rows.lines import check_told
from tests.faults.site import Site

pytestmark = pytest.mark.row(16)

#: What a task does, and how the runner says that its process ended. `kill` is how the kernel ends who
#: takes all the memory of a machine or of a container.
ENDS = {"exit": "exit code 3", "segv": "killed by SIGSEGV", "kill": "killed by SIGKILL"}
CRASHES = 2
PREFETCH = 100
#: They end more processes than a run survives that does nothing else.
POISONS = 5


@dataclass(frozen=True, slots=True)
class Form:
    """How many good messages, and what the others do."""

    good: int
    poisons: tuple[str, ...]


def write(site: Site, **task: object) -> None:
    """Write a file with a crowded queue."""
    site.write(
        queues={"crowded": {"crashes": CRASHES}},
        tasks={"work": {"python": "tasks:work", "queue": "crowded", **task}},
        events={"happened": {"tasks": ["work"]}},
        consumers={"all": {"processes": 2, "concurrency": 50, "prefetch": PREFETCH}},
    )
    site.declare()


def send(site: Site, good: int, poisons: Sequence[str]) -> list[str]:
    """Send good messages, and among them those that do what `poisons` says; return the names of these."""
    messages = [site.message(f"good-{number}", seconds=0.01) for number in range(good)]
    names = [f"{how}-{number}" for number, how in enumerate(poisons)]
    for number, (name, how) in enumerate(zip(names, poisons, strict=True)):
        place = (number + 1) * good // (len(poisons) + 1)
        messages.insert(place, site.message(name, do=how))
    site.send_messages(messages)
    return names


@forms(quick=Form(400, ("exit", "segv")), full=Form(4000, (*ENDS,) * 5))
def test_poisons_among_many_are_dead_alone_with_the_reason(
    row_site: Site, finding: Finding, form: Form
) -> None:
    site, poisons = row_site, form.poisons
    write(site)
    names = send(site, form.good, poisons)

    output = site.run("--fail-on-dead", code=1, deadline_s=100)

    letters = site.take()
    assert sorted(letter.n for letter in letters) == sorted(names)
    for letter in letters:
        assert letter.headers["ebats-reason"] == "crashed", letter.headers
        assert letter.headers["ebats-crashes"] == CRASHES
        assert letter.headers["ebats-task"] == "work"
        assert letter.headers["ebats-event"] == "happened"
        assert f"died {CRASHES} times" in letter.headers["ebats-text"]
    # Two deaths outside of the lane, and as many in it as its queue allows.
    deaths = 2 + CRASHES
    finding.caused(deaths * len(poisons))
    verdict = site.oracle.judge(letter.n for letter in letters)
    finding.add(verdict, duplicates=(2 * PREFETCH + CRASHES) * len(poisons))
    assert verdict.done == form.good
    assert "in a row" not in output
    for how, count in Counter(poisons).items():
        check_told(output, begins=rf"ERROR  runner .* died: {ENDS[how]}", at_most=deaths * count)
    # A line for each process that may say it, not for each message that was beside a poison.
    check_told(output, begins="it runs alone from now on", over="DEAD +work", at_most=deaths * len(poisons))


@pytest.mark.slow
def test_a_task_that_takes_all_memory_is_a_failed_attempt_and_the_others_go_on(
    row_site: Site, finding: Finding
) -> None:
    # Given a task that takes what its process may have, to the last byte
    site = row_site
    write(site, retry=["200ms", "200ms"])
    names = send(site, 200, ("exhaust",))

    output = site.run("--fail-on-dead", code=1, deadline_s=100)

    # Then it alone is dead. Its process may have ended, too: whatever needs memory meanwhile has none.
    letters = site.take()
    assert {letter.n for letter in letters} == {*names}
    assert {letter.headers["ebats-reason"] for letter in letters} <= {"exhausted", "crashed"}
    deaths = output.count(" died: ")
    finding.caused(3)
    finding.note(f"{deaths} processes ended for lack of memory")
    finding.add(site.oracle.judge(letter.n for letter in letters), duplicates=(deaths + 1) * PREFETCH)
    assert "in a row" not in output
    check_told(output, begins="MemoryError", over="DEAD +work", at_most=50)


@pytest.mark.slow
def test_many_poisons_are_no_reason_to_give_up_while_work_gets_done(site: Site, finding: Finding) -> None:
    # Given one process that takes one message at a time, and is killed at every third one
    site.write(
        queues={"crowded": {"crashes": 1}},
        tasks={"work": {"python": "tasks:work", "queue": "crowded"}},
        events={"happened": {"tasks": ["work"]}},
        consumers={"all": {"concurrency": 1, "prefetch": 1}},
    )
    site.declare()
    for number in range(POISONS):
        site.send([f"good-{number}-{other}" for other in range(2)])
        site.send([f"poison-{number}"], do="kill")

    output = site.run("--fail-on-dead", code=1, deadline_s=110)

    assert "in a row" not in output
    letters = site.take()
    assert sorted(letter.n for letter in letters) == [f"poison-{number}" for number in range(POISONS)]
    finding.caused(output.count(" died: "))
    verdict = site.oracle.judge(letter.n for letter in letters)
    finding.add(verdict, duplicates=0)
    assert verdict.done == 2 * POISONS
