import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ebats.pipelines.alerts import Rule
from ebats.runner.alerts.conditions import Finding
from ebats.runner.alerts.facts import Died, SinkFacts, Told, decode, send
from ebats.runner.alerts.tally import Tally
from ebats.runner.alerts.watch import Watch
from ebats.runner.execution.outbox import open_channel
from ebats.runner.execution.record import Line, encode, utc
from tests.records import execution, log
from tests.unit.alerts.rules import NOON, pipeline, rule


class Scene:
    """Records on their way through a tally and the kernel to a watch."""

    def __init__(self, folder: Path, *rules: Rule) -> None:
        self.send, self.receive = open_channel()
        self.pipeline = pipeline(folder, *rules)
        assert self.pipeline.alerts is not None
        self.tally = Tally(self.pipeline.alerts, self.send)
        self.watch = Watch(self.pipeline, self.pipeline.alerts, NOON)

    def record(self, count: int = 1, **changes: Any) -> None:
        changes = {"task": "ship", "event": "order_paid", **changes}
        level = {"success": "info", "retry": "warning"}.get(changes.get("outcome", "success"), "error")
        self.tally.add([encode(execution(level=level, **changes))] * count)

    def at(self, seconds: float, sinks: dict[str, dict[str, Any]] | None = None) -> dict[str, list[Finding]]:
        self.tally.tell(sinks or {}, seconds)
        for fact in self.facts():
            self.watch.take(fact, NOON + seconds)
        found = self.watch.look(NOON + seconds)
        return {name: list(findings.values()) for name, findings in found.items()}

    def facts(self) -> Iterator[Any]:
        with suppress(BlockingIOError):
            while True:
                yield decode(self.receive.recv(1_000_000, socket.MSG_DONTWAIT))

    def close(self) -> None:
        self.send.close()
        self.receive.close()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Any]:
    made: list[Scene] = []

    def scene(*rules: Rule) -> Scene:
        made.append(Scene(tmp_path, *rules))
        return made[-1]

    yield scene
    for each in made:
        each.close()


def test_dead_letters_count_by_task_within_the_window(make: Any) -> None:
    scene = make(rule("dead_letters", 3, window_s=60))
    scene.record(2, outcome="dead", reason="exhausted", error="OSError", text="no route")
    scene.record(9, outcome="retry")
    assert scene.at(0) == {"dead_letters": []}
    scene.record(outcome="dead")
    (found,) = scene.at(30)["dead_letters"]
    assert (found.subject, found.total, found.fresh, found.owner) == ("ship", 3, 1, "warehouse")
    assert found.what == "3 dead letters of ship within 1m"
    assert found.samples[0].reason == "exhausted"
    # The first two have left the window, a slice late at most.
    assert scene.at(64)["dead_letters"] == []


def test_a_message_without_a_task_counts_too(make: Any) -> None:
    scene = make(rule("dead_letters"))
    scene.record(task="", event=None, outcome="dead", reason="undecodable")
    assert scene.at(0)["dead_letters"][0].what == "1 dead letter of no task within 5m"


def test_the_owner_is_the_rules_or_the_tasks_or_the_events(make: Any) -> None:
    scene = make(rule("dead_letters"), rule("dead_letters", name="mine", owner="me"))
    scene.record(task="ship", outcome="dead")
    scene.record(task="tell", event="order_late", outcome="success")
    scene.record(task="tell", event="order_paid", outcome="dead")
    found = scene.at(0)
    assert [each.owner for each in found["dead_letters"]] == ["warehouse", "payments"]
    assert {each.owner for each in found["mine"]} == {"me"}


def test_rules_look_at_their_tasks_and_events_alone(make: Any) -> None:
    scene = make(
        rule("dead_letters", tasks=("tell",)), rule("dead_letters", name="late", events=("order_late",))
    )
    scene.record(task="ship", outcome="dead")
    scene.record(task="tell", outcome="dead")
    found = scene.at(0)
    assert [each.subject for each in found["dead_letters"]] == ["tell"]
    assert found["late"] == []


def test_the_failure_rate_needs_enough_attempts(make: Any) -> None:
    scene = make(rule("failure_rate", 0.1, at_least=20))
    scene.record(3, outcome="retry")
    scene.record(16)
    # Those that were put off are no attempts.
    scene.record(5, outcome="postponed")
    assert scene.at(0)["failure_rate"] == []
    scene.record(1, outcome="dead")
    (found,) = scene.at(1)["failure_rate"]
    assert found.what == "4 of 20 attempts of ship failed (20%) within 5m"
    scene.record(21)
    assert scene.at(2)["failure_rate"] == []


def test_slow_goes_by_the_95th_percentile_exactly(make: Any) -> None:
    scene = make(rule("slow", 5.0, at_least=20))
    scene.record(19, run_s=0.1)
    scene.record(1, run_s=5.1, id="slow one")
    assert scene.at(0)["slow"] == []
    scene.record(1, run_s=6.0, id="slower")
    (found,) = scene.at(1)["slow"]
    assert found.what.startswith("ship is slow: p95 5")
    assert found.what.endswith("of 21 attempts within 5m, above 5s")
    assert [sample.id for sample in found.samples] == ["slower"]


def test_attempts_from_a_number_on(make: Any) -> None:
    scene = make(rule("attempts", 5))
    scene.record(outcome="retry", attempt=4)
    assert scene.at(0)["attempts"] == []
    scene.record(outcome="retry", attempt=5)
    scene.record(outcome="dead", attempt=7, id="FB7")
    (found,) = scene.at(1)["attempts"]
    assert found.what == "ship came to attempt 5 or later 2 times within 5m, up to 7"
    assert found.samples[0].id == "FB7"


def test_queues_by_depth_and_by_age(make: Any) -> None:
    scene = make(rule("queue_depth", 10), rule("queue_age", 60.0))
    scene.watch.depths({"ship": 9, "tell": 12}, NOON)
    found = scene.at(0)
    assert [each.what for each in found["queue_depth"]] == ["12 messages wait in tell"]
    # As long as nothing is known of them the age is counted from the beginning.
    assert {each.subject for each in scene.at(60)["queue_age"]} == {"ship", "tell"}
    # A message was taken that had come 20 s after the beginning: all others came later.
    scene.record(queue="ship", time=utc(NOON + 65), wait_s=44.5, run_s=0.5)
    assert {each.subject for each in scene.at(70)["queue_age"]} == {"tell"}
    assert {each.subject for each in scene.at(80)["queue_age"]} == {"ship", "tell"}
    scene.watch.depths({"ship": 9, "tell": 0}, NOON + 80)
    scene.watch.depths({"ship": 9, "tell": 1}, NOON + 85)
    assert {each.subject for each in scene.at(90)["queue_age"]} == {"ship"}
    scene.watch.depths({"ship": None, "tell": 1}, NOON + 91)
    assert scene.at(91)["queue_age"] == []


def test_an_age_is_known_without_times_of_the_messages_too(make: Any) -> None:
    scene = make(rule("queue_age", 10.0))
    held = scene.watch._own.in_hand["tell"]
    scene.watch.depths({"tell": 5}, NOON + 2)
    scene.at(4)
    # All that waited then, or was in a process's hands, is gone when so many more have ended.
    scene.record(held + 4, task="tell", queue="tell", wait_s=None)
    assert scene.at(11)["queue_age"][0].what == "the oldest message of tell waits for 11s"
    scene.record(1, task="tell", queue="tell", wait_s=None)
    assert scene.at(11)["queue_age"] == []
    assert scene.at(12)["queue_age"][0].what == "the oldest message of tell waits for 10s"


def test_marks_of_a_queue_are_bounded(make: Any) -> None:
    scene = make(rule("queue_age", 10.0))
    for second in range(500):
        scene.watch.depths({"tell": 5}, NOON + second)
        scene.at(second)
    assert 50 <= len(scene.watch._queues._marks["tell"]) <= 120
    for second in range(500, 1000):
        scene.watch.depths({"tell": 5}, NOON + second)
    assert len(scene.watch._queues._looks) <= 120


def test_processes_that_die(make: Any) -> None:
    scene = make(rule("process_dies", 2, window_s=60))
    scene.watch.take(Died(process="orders#2", how="exit code 1"), NOON)
    assert scene.at(0)["process_dies"] == []
    scene.watch.take(Died(process="orders#2", how="killed by SIGSEGV"), NOON + 5)
    (found,) = scene.at(5)["process_dies"]
    assert (found.subject, found.fresh) == ("orders#2", 1)
    assert found.what == "orders#2 died 2 times within 1m: killed by SIGSEGV"
    assert scene.at(70)["process_dies"] == []


def test_a_broker_that_does_not_answer(make: Any) -> None:
    scene = make(rule("broker_away", 60.0))
    scene.watch.broker(NOON, "Connection refused")
    assert scene.at(59)["broker_away"] == []
    (found,) = scene.at(61)["broker_away"]
    assert found.what == "the broker has been out of reach for 1m1s: Connection refused"
    scene.watch.broker(NOON + 62, "")
    assert scene.at(63)["broker_away"] == []


def test_a_sink_with_an_error_or_that_stands_is_away(make: Any) -> None:
    scene = make(rule("sink_away", 30.0))
    scene.at(0, {"search": {"written": 5, "waiting": 3}, "file": {"written": 5, "error": "no such folder"}})
    scene.at(10, {"search": {"written": 6, "waiting": 9}, "file": {"written": 5, "error": "no such folder"}})
    scene.at(11, {"search": {"written": 6, "waiting": 9}, "file": {"written": 5, "error": "no such folder"}})
    (found,) = scene.at(35)["sink_away"]
    assert found.what == "sink file has taken nothing for 35s: no such folder"
    assert {each.subject for each in scene.at(41)["sink_away"]} == {"search", "file"}
    assert scene.at(50, {"search": {"written": 15}, "file": {"written": 6}})["sink_away"] == []


def test_a_backlog_that_is_sent_is_no_sink_that_is_away(make: Any) -> None:
    scene = make(rule("sink_away", 1.0))
    for second in range(5):
        sink = {"search": {"written": 9, "spooled": 9 - second, "sent": second, "waiting": 0}}
        assert scene.at(second, sink)["sink_away"] == []


def test_records_that_found_no_room(make: Any) -> None:
    scene = make(rule("spool_overflow", 10, window_s=60))
    scene.at(0, {"search": {"overflowed": 100}})
    assert [each.total for each in scene.at(1)["spool_overflow"]] == [100]
    scene.at(2, {"search": {"overflowed": 105, "lost": 2}})
    (found,) = scene.at(3)["spool_overflow"]
    assert found.what == "107 records found no room in sink search within 1m"


def test_a_new_writer_counts_from_nothing(make: Any) -> None:
    scene = make(rule("spool_overflow"))
    scene.watch.take(Told(pid=1, sinks={"file": SinkFacts(lost=50)}), NOON)
    scene.watch.take(Told(pid=2, sinks={"file": SinkFacts(lost=3)}), NOON)
    assert [each.total for each in scene.at(1)["spool_overflow"]] == [53]


def test_lines_of_loggers_are_not_counted(make: Any) -> None:
    scene = make(rule("dead_letters"))
    scene.tally.add(
        [encode(log(task="ship", level="error")), encode(log(level="error")), Line(40, b"{", "x")]
    )
    assert scene.at(0) == {"dead_letters": []}


def test_many_tasks_go_in_several_datagrams_and_nothing_is_counted_twice(make: Any) -> None:
    scene = make(rule("dead_letters", 2))
    for number in range(600):
        text = {"outcome": "dead", "error": "OSError" * 50, "text": "\x00" * 5000, "id": "é" * 400}
        scene.record(2, task=f"task{number}", **text)
    found: dict[str, list[Finding]] = {}
    for second in range(100):
        found = scene.at(second / 10)
        if len(found["dead_letters"]) == 600:
            break
    assert {each.total for each in found["dead_letters"]} == {2}
    assert len(found["dead_letters"]) == 600


def test_what_the_alerter_has_no_room_for_is_told_later(make: Any) -> None:
    scene = make(rule("dead_letters"))
    filled = 0
    while send(scene.send, Died(process="x" * 10_000, how="")):
        filled += 1
    scene.record(outcome="dead")
    scene.tally.tell({}, 0)
    assert len(list(scene.facts())) == filled
    assert [each.total for each in scene.at(1)["dead_letters"]] == [1]


def test_memory_is_bound_by_tasks_and_not_by_messages(make: Any) -> None:
    scene = make(*(rule("failure_rate", 0.5, window_s=window) for window in (60.0, 600.0)))
    for second in range(100):
        scene.record(10, outcome="dead", id=str(second), run_s=second / 7 + 0.001)
        scene.at(second)
    (counts,) = scene.watch._attempts[60.0].totals.values()
    assert len(counts.dead_samples) <= 3
    assert len(counts.times) < 200
