import time

from ebats.pipelines.http_task import Breaker
from ebats.runner.callbacks.hosts import Busy, Place
from ebats.runner.callbacks.turns import Turns
from ebats.runner.execution.outcome import Failed, Postponed

HOST = "a.example.com"
DOWN = Busy(3_000, f"{HOST} is down", True)
CROWDED = Busy(1_000, f"{HOST} is crowded", False)


class Bench(Turns):
    """Turns with a breaker, and the lines that they log."""

    def __init__(self, after: int = 2, max_age_s: float = 60.0) -> None:
        self.lines: list[tuple[str, str]] = []
        breaker = Breaker(after=after, max_age_s=max_age_s)
        super().__init__("tell", 10, breaker, lambda level, text: self.lines.append((level, text)))

    def place(self) -> Place:
        found = self.take(HOST)
        assert isinstance(found, Place)
        return found


def test_one_line_when_a_host_goes_down_and_one_when_it_is_back() -> None:
    turns = Bench()
    places = [turns.place() for _ in range(5)]
    assert [turns.give(place, True) for place in places[:4]] == [None] * 4
    assert turns.states()[HOST].state == "down"
    turns.give(places[4], False)
    assert turns.lines == [
        ("warning", f"tell: {HOST} is down: 2 failures one after another; its messages wait, uncounted"),
        ("info", f"tell: {HOST} is up again"),
    ]
    assert turns.states() == {}


def test_a_probe_that_fails_makes_its_message_wait_like_the_others() -> None:
    turns = Bench()
    place = turns.place()._replace(is_probe=True)
    waits = turns.give(place, True)
    assert waits == Busy(1_000, f"{HOST} is down: a probe failed", True)
    assert turns.give(turns.place()._replace(is_probe=True), None) is None


def test_the_first_wait_for_a_host_that_is_down_is_remembered() -> None:
    began = time.time()
    first = Bench().wait([DOWN, CROWDED], None, done=(1,))
    assert isinstance(first, Postponed)
    assert (first.wait_ms, first.why, first.done) == (1_000, f"{DOWN.why}; {CROWDED.why}", (1,))
    assert first.since is not None
    assert began <= first.since <= time.time()
    again = Bench().wait([DOWN], began - 10.0)
    assert isinstance(again, Postponed)
    assert again.since == began - 10.0


def test_what_has_waited_too_long_is_dead() -> None:
    found = Bench().wait([DOWN], time.time() - 61.0, done=(2,))
    assert isinstance(found, Failed)
    assert (found.how, found.done) == ("expired", (2,))
    assert found.text == f"{HOST} is down, and the message has waited for longer than max_age, 1m"


def test_waiting_for_a_place_is_no_waiting_for_a_host_that_is_down() -> None:
    assert Bench().wait([CROWDED], None) == Postponed(1_000, CROWDED.why)
    # But it doesn't make it forget: only an attempt does.
    old = time.time() - 61.0
    assert Bench().wait([CROWDED], old) == Postponed(1_000, CROWDED.why, since=old)
