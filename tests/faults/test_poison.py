"""A message that ends the process it runs in: it is found out alone, whatever runs beside it."""

import pytest

from tests.faults.site import Site

GOOD = [f"good-{number}" for number in range(400)]


def run_among_good_ones(site: Site, *poisons: str) -> None:
    """Run poisons among 400 good messages, and check that each is dead, and all the others are done."""
    site.write(
        queues={"crowded": {"crashes": 2}},
        tasks={"work": {"python": "tasks:work", "queue": "crowded"}},
        events={"happened": {"tasks": ["work"]}},
        consumers={"all": {"processes": 2, "concurrency": 50, "prefetch": 100}},
    )
    site.declare()
    messages = [site.message(name, seconds=0.01) for name in GOOD]
    for number, how in enumerate(poisons):
        messages.insert(100 + 150 * number, site.message(f"poison-{number}", do=how))
    site.send_messages(messages)

    output = site.run("--fail-on-dead", code=1, deadline_s=100)

    letters = site.take()
    assert sorted(letter.n for letter in letters) == [f"poison-{n}" for n in range(len(poisons))]
    for letter in letters:
        assert letter.headers["ebats-reason"] == "crashed", letter.headers
        assert letter.headers["ebats-crashes"] == 2
        assert letter.headers["ebats-task"] == "work"
        assert letter.headers["ebats-event"] == "happened"
        assert "died 2 times" in letter.headers["ebats-text"]
    verdict = site.oracle.judge(letter.n for letter in letters)
    # Two deaths outside of the lane, and two in it.
    verdict.check(duplicates=(2 * 100 + 2) * len(poisons))
    assert verdict.done == len(GOOD)
    assert "in a row" not in output


@pytest.mark.slow
@pytest.mark.parametrize("how", ["exit", "segv"])
def test_poison_among_four_hundred_is_dead_alone(site: Site, how: str) -> None:
    run_among_good_ones(site, how)


@pytest.mark.slow
def test_two_poisons_are_dead_and_nothing_else(site: Site) -> None:
    run_among_good_ones(site, "kill", "exit")


@pytest.mark.slow
def test_many_poisons_are_no_reason_to_give_up_while_work_gets_done(site: Site) -> None:
    # Given one process that takes one message at a time, and is killed at every third one
    site.write(
        queues={"crowded": {"crashes": 1}},
        tasks={"work": {"python": "tasks:work", "queue": "crowded"}},
        events={"happened": {"tasks": ["work"]}},
        consumers={"all": {"concurrency": 1, "prefetch": 1}},
    )
    site.declare()
    for number in range(7):
        site.send([f"good-{number}-{other}" for other in range(2)])
        site.send([f"poison-{number}"], do="kill")

    output = site.run("--fail-on-dead", code=1, deadline_s=110)

    assert "in a row" not in output
    letters = site.take()
    assert sorted(letter.n for letter in letters) == [f"poison-{number}" for number in range(7)]
    verdict = site.oracle.judge(letter.n for letter in letters)
    verdict.check(duplicates=0)
    assert verdict.done == 14
