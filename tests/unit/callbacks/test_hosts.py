import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ebats.runner.callbacks.hosts import _FEW, _MOST, Busy, Hosts, Place


def place(found: Place | Busy) -> Place:
    assert isinstance(found, Place), found
    return found


def busy(found: Place | Busy) -> Busy:
    assert isinstance(found, Busy), found
    return found


def down(hosts: Hosts, name: str, now: float, failures: int = 3) -> None:
    places = [place(hosts.enter(name, now)) for _ in range(failures)]
    assert [hosts.leave(one, True, now) for one in places][-1] == "down"


def test_beyond_its_places_a_host_has_none_for_a_second_and_others_have() -> None:
    hosts = Hosts(2, None)
    first = place(hosts.enter("slow", 0.0))
    place(hosts.enter("slow", 0.0))
    found = busy(hosts.enter("slow", 0.0))
    assert (found.wait_ms, found.is_down) == (1_000, False)
    assert found.why == "slow has 2 requests in hand, its max_per_host"
    place(hosts.enter("fast", 0.0))
    hosts.leave(first, None, 0.0)
    place(hosts.enter("slow", 0.0))


def test_a_host_that_is_down_gets_no_request_and_others_do() -> None:
    hosts = Hosts(9, 3)
    down(hosts, "dead", 0.0)
    found = busy(hosts.enter("dead", 0.5))
    assert found == Busy(1_000, "dead is down: 3 failures one after another", True)
    place(hosts.enter("fast", 0.5))
    probe = place(hosts.enter("dead", 1.0))
    assert probe.is_probe
    busy(hosts.enter("dead", 1.0))
    assert hosts.leave(probe, False, 1.1) == "up"
    assert not place(hosts.enter("dead", 1.1)).is_probe


def test_a_message_whose_probe_failed_waits_for_the_next_pause() -> None:
    hosts = Hosts(9, 3)
    down(hosts, "dead", 0.0)
    probe = place(hosts.enter("dead", 20.0))
    assert hosts.leave(probe, True, 20.0) is None
    assert hosts.pause_ms("dead", 20.0) == 10_000
    assert hosts.pause_ms("never heard of", 20.0) == 1_000


def test_without_a_breaker_no_host_is_down() -> None:
    hosts = Hosts(9, None)
    for _ in range(1000):
        assert hosts.leave(place(hosts.enter("dead", 0.0)), True, 0.0) is None
    assert hosts.states(0.0) == {}


def test_what_status_shows_begins_with_those_that_are_down() -> None:
    hosts = Hosts(9, 3)
    hosts.leave(place(hosts.enter("shaky", 0.0)), True, 0.0)
    hosts.leave(place(hosts.enter("good", 0.0)), False, 0.0)
    down(hosts, "dead", 1.0)
    place(hosts.enter("dead", 2.5))
    shown = msgspec.to_builtins(hosts.states(3.5))
    assert list(shown.items()) == [
        ("dead", {"state": "down", "failures": 3, "down_s": 2.5, "in_hand": 1}),
        ("shaky", {"state": "up", "failures": 1}),
    ]


def test_what_nobody_asks_for_is_forgotten_in_an_hour() -> None:
    hosts = Hosts(9, 3)
    held = place(hosts.enter("held", 0.0))
    for number in range(_FEW - 1):
        down(hosts, f"dead-{number}", 0.0)
    assert "dead-0" in hosts.states(3_599.0)
    assert hosts.states(3_601.0) == {}
    place(hosts.enter("new", 3_602.0))
    assert hosts._hosts.keys() == {"held", "new"}
    hosts.leave(held, False, 3_602.0)


def test_payloads_that_name_many_hosts_take_no_more_and_more_memory() -> None:
    hosts = Hosts(9, 3)
    held = place(hosts.enter("held", 0.0))
    for number in range(_MOST + 100):
        hosts.leave(place(hosts.enter(f"host-{number}", 0.0)), True, 0.0)
    assert len(hosts._hosts) == _MOST
    assert hosts.leave(held, False, 0.0) is None


@given(
    st.integers(1, 3),
    st.one_of(st.none(), st.integers(1, 3)),
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([None, True, False, "enter"])), max_size=200),
)
def test_never_more_than_its_places_and_nothing_is_left_of_a_host_that_answers(
    most: int, after: int | None, steps: list[tuple[str, object]]
) -> None:
    hosts, now = Hosts(most, after), 0.0
    in_hand: dict[str, list[Place]] = {"a": [], "b": []}
    for name, step in steps:
        now += 1.0
        if step == "enter":
            found = hosts.enter(name, now)
            if isinstance(found, Place):
                in_hand[name].append(found)
            assert len(in_hand[name]) <= most
        elif in_hand[name]:
            hosts.leave(in_hand[name].pop(0), step if isinstance(step, bool) else None, now)
    for name, places in in_hand.items():
        for one in places:
            hosts.leave(one, False, now)
        while not isinstance(last := hosts.enter(name, now), Place):
            now += 30.0
        hosts.leave(last, False, now)
    assert hosts._hosts == {}
