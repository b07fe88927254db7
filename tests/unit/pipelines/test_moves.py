"""A message from before a change is for what the new file says, each task once, over all of its copies."""

from collections import Counter
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from ebats.pipelines.moves import Moves, Way
from ebats.pipelines.wiring import WiredEvent, WiredEventTask, WiredTask, Wiring

NAMES = ("a", "b", "c", "d")
QUEUES = ("q", "r", "s")
EXCHANGE = "shop.events"
FUNCTIONS = ("x:f", "x:g", "x:h")


def event(*tasks: tuple[str, str, int] | str, keys: tuple[str, ...] = ("e",)) -> WiredEvent:
    """Return an event of the pipeline's own exchange; a task alone has the queue of its name."""
    items = (
        WiredEventTask(task, task, 0) if isinstance(task, str) else WiredEventTask(*task) for task in tasks
    )
    return WiredEvent(EXCHANGE, "topic", keys, None, "json", tuple(items))


def wiring(events: Mapping[str, WiredEvent], does: Mapping[str, str] | None = None) -> Wiring:
    """Return a wiring with these events and the tasks that they name."""
    tasks: dict[str, list[str]] = {}
    for each in events.values():
        for item in each.tasks:
            tasks.setdefault(item.task, [])
            if item.queue not in tasks[item.task]:
                tasks[item.task].append(item.queue)
    return Wiring(
        tasks={
            name: WiredTask((does or {}).get(name, f"x:{name}"), tuple(queues))
            for name, queues in tasks.items()
        },
        events=events,
        queues={name: f"shop.{name}" for queues in tasks.values() for name in queues},
    )


def copies(old: Wiring, new: Wiring, key: str = "e") -> dict[str, tuple[Way, ...] | None]:
    """Return what each copy of a message of before is for, by the queue, or the rung, that it lies in."""
    moves = Moves(new, (old,))
    found: dict[str, tuple[Way, ...] | None] = {}
    for name, each in old.events.items():
        if each.keys[0] not in (key, "#"):
            continue
        for item in each.tasks:
            if item.delay_ms:
                found[f"{item.delay_ms}.{name}.{item.task}"] = moves.of_copy(
                    name, item.task, EXCHANGE, key, delay_ms=item.delay_ms, before=True
                )
            else:
                queue = old.queues[item.queue]
                found[queue] = moves.of_delivery(EXCHANGE, key, queue, before=True)
    return found


@st.composite
def wirings(draw: st.DrawFn) -> Wiring:
    """Draw a file with up to three events, some of which have the same messages."""
    tasks = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    queue_of = {task: draw(st.sampled_from(QUEUES)) for task in tasks}
    events = {}
    for name in draw(st.lists(st.sampled_from(("e", "f", "g")), min_size=1, max_size=3, unique=True)):
        chosen = draw(st.lists(st.sampled_from(tasks), min_size=1, unique=True))
        items = [(task, queue_of[task], draw(st.sampled_from((0, 0, 1000, 2000)))) for task in chosen]
        events[name] = event(*items, keys=(draw(st.sampled_from(("e", "#", "other"))),))
    return wiring(events, {task: draw(st.sampled_from(FUNCTIONS)) for task in tasks})


@given(wirings(), wirings())
def test_each_task_of_the_new_file_runs_once_over_all_copies(old: Wiring, new: Wiring) -> None:
    found = copies(old, new)
    runs = Counter((str(way.event), way.task) for ways in found.values() for way in ways or ())
    takes = {name: each for name, each in new.events.items() if each.keys[0] in ("e", "#")}
    wanted = Counter((name, item.task) for name, each in takes.items() for item in each.tasks)
    if not found:
        return
    missing, more = wanted - runs, runs - wanted
    assert not missing
    # More than once never; and what no key says only for an event that goes by another name now.
    assert all(count == 1 for count in runs.values())
    assert {name for name, _ in more} <= {*new.events} - {*old.events}


@given(wirings())
def test_an_unchanged_file_leaves_each_copy_as_it_is(same: Wiring) -> None:
    moves = Moves(same, (same,))
    for name, each in same.events.items():
        for item in each.tasks:
            ways = moves.of_copy(name, item.task, EXCHANGE, each.keys[0], delay_ms=None, before=True)
            assert ways == (Way(name, item.task, item.queue, 0),)


def test_a_task_that_came_runs_by_the_copy_of_one_that_went() -> None:
    found = copies(wiring({"e": event("a", "b")}), wiring({"e": event("b", "c")}))
    assert found == {"shop.a": (Way("e", "c", "c"),), "shop.b": (Way("e", "b", "b"),)}


def test_a_copy_of_a_task_that_went_is_for_nothing() -> None:
    found = copies(wiring({"e": event("a", "b")}), wiring({"e": event("b")}))
    assert found == {"shop.a": (), "shop.b": (Way("e", "b", "b"),)}


def test_where_nothing_went_the_first_copy_that_does_not_wait_has_what_came() -> None:
    found = copies(
        wiring({"e": event(("a", "a", 1000), "b")}), wiring({"e": event(("a", "a", 1000), "b", "c")})
    )
    assert found == {"1000.e.a": (Way("e", "a", "a"),), "shop.b": (Way("e", "b", "b"), Way("e", "c", "c"))}


def test_who_has_waited_does_not_wait_again_and_who_has_not_does() -> None:
    found = copies(
        wiring({"e": event(("a", "a", 1000), "b")}), wiring({"e": event(("a", "a", 9000), ("b", "b", 5))})
    )
    assert found == {"1000.e.a": (Way("e", "a", "a"),), "shop.b": (Way("e", "b", "b", 5),)}


def test_a_task_of_another_name_that_does_the_same_is_the_same() -> None:
    old, new = wiring({"e": event("a")}, {"a": "x:f"}), wiring({"e": event("b")}, {"b": "x:f"})
    assert copies(old, new) == {"shop.a": (Way("e", "b", "b"),)}
    moves = Moves(new, (old,))
    assert (moves.task("a"), moves.task("b"), moves.task("z")) == ("b", "b", None)


def test_two_tasks_that_do_the_same_are_no_rename() -> None:
    old = wiring({"e": event("a")}, {"a": "x:f"})
    new = wiring({"g": event("b", "c")}, {"b": "x:f", "c": "x:f"})
    assert Moves(new, (old,)).task("a") is None


def test_names_are_followed_over_several_files_and_back() -> None:
    first = wiring({"e": event("a")}, {"a": "x:f"})
    second = wiring({"e": event("b")}, {"b": "x:f"})
    third = wiring({"e": event("b", "c")}, {"b": "x:f", "c": "x:f"})
    assert Moves(third, (second, first)).task("a") == "b"
    assert Moves(first, (third, second)).task("c") is None
    assert Moves(first, (second,)).task("b") == "a"


def test_an_event_of_another_name_with_the_same_tasks_is_the_same() -> None:
    old, new = wiring({"e": event("a", "b")}), wiring({"f": event("a", "b", keys=("f",))})
    assert copies(old, new) == {"shop.a": (Way("f", "a", "a"),), "shop.b": (Way("f", "b", "b"),)}


def test_a_key_that_no_event_has_any_more_is_for_nothing() -> None:
    assert copies(wiring({"e": event("a")}), wiring({"e": event("a", keys=("k",))})) == {"shop.a": ()}


def test_a_task_that_moves_to_another_event_of_the_same_key_keeps_its_copy() -> None:
    old = wiring({"e": event("a", "b")})
    new = wiring({"e": event("a"), "f": event("b", keys=("#",))})
    assert copies(old, new) == {"shop.a": (Way("e", "a", "a"),), "shop.b": (Way("f", "b", "b"),)}


def test_after_a_crash_a_message_is_for_what_either_file_said() -> None:
    first, second = wiring({"e": event("a")}), wiring({"e": event(("b", "a", 0))})
    now = wiring({"e": event("a", "b")})
    one, both = Moves(now, (second, first)), Moves(now, (second, first), recent=2)
    assert one.of_delivery(EXCHANGE, "e", "shop.a", before=True) == (Way("e", "b", "b"), Way("e", "a", "a"))
    found = both.of_delivery(EXCHANGE, "e", "shop.a", before=True)
    assert {*(found or ())} == {Way("e", "a", "a"), Way("e", "b", "b")}


def test_what_no_file_knew_is_not_decided_here() -> None:
    moves = Moves(wiring({"e": event("a")}), (wiring({"e": event("b")}),))
    assert moves.of_delivery("other", "e", "shop.b") is None
    assert moves.of_copy("z", "b", EXCHANGE, "z", delay_ms=None) is None
