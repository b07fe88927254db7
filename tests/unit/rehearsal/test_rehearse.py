"""Cases played through: events, ladders, delays, dead letters, what tasks publish."""

import time

from ebats.pipelines.cases import Answer
from tests.unit.rehearsal.played import deaths, message, pipeline, play, runs

RETRY = Answer(raises="Retry")
FINE = Answer()


def test_an_event_runs_its_tasks_with_its_payload() -> None:
    shop = pipeline(tasks={"ship": {}, "report": {}}, events={"paid": {"tasks": ["ship", "report"]}})
    found = play(shop, message({"order_id": 7}, event="paid", id="p7"))
    assert runs(found) == ["ship 1 at 0: success", "report 1 at 0: success"]
    assert {(run.id, run.event, run.queue) for run in found.runs} == {
        ("p7", "paid", "ship"),
        ("p7", "paid", "report"),
    }
    assert all(run.payload == {"order_id": 7} for run in found.runs)
    assert (found.dead, found.published, found.waiting, found.stopped) == ((), (), {}, "")


def test_failed_attempts_climb_the_ladder_and_end_dead() -> None:
    shop = pipeline(tasks={"ship": {"retry": ["1s", "3s"]}}, events={"paid": {"tasks": ["ship"]}})
    found = play(shop, message({"n": 1}, event="paid"), ship=Answer(raises="ValueError", text="no stock"))
    assert runs(found) == ["ship 1 at 0: retry", "ship 2 at 1000: retry", "ship 3 at 4000: dead"]
    assert deaths(found) == ["ship 3 at 4000: exhausted"]
    (death,) = found.dead
    assert (death.event, death.payload, death.error) == ("paid", {"n": 1}, "ValueError: no stock")


def test_answers_are_for_successive_attempts_and_the_last_stays() -> None:
    shop = pipeline(tasks={"ship": {"retry": ["1s", "1s", "1s"]}}, events={"paid": {"tasks": ["ship"]}})
    found = play(shop, message(event="paid"), ship=[RETRY, Answer(raises="shop.Bad"), FINE])
    assert runs(found) == ["ship 1 at 0: retry", "ship 2 at 1000: retry", "ship 3 at 2000: success"]
    assert [run.error for run in found.runs] == ["ebats.Retry", "shop.Bad", ""]
    assert deaths(play(shop, message(event="paid"), ship=[RETRY])) == ["ship 4 at 3000: exhausted"]


def test_a_ladder_of_eight_hours_takes_no_time() -> None:
    shop = pipeline(
        tasks={"ship": {"retry": ["5m", "30m", "1h", "2h", "4h25m"]}}, events={"paid": {"tasks": ["ship"]}}
    )
    took = []
    # The best of a few: the machine may do other things too.
    for _ in range(5):
        began = time.perf_counter()
        found = play(shop, message(event="paid"), ship=RETRY)
        took.append(time.perf_counter() - began)
        assert deaths(found) == [f"ship 6 at {8 * 3_600_000}: exhausted"]
    assert min(took) < 0.1


def test_thirty_days_take_no_time_either() -> None:
    shop = pipeline(tasks={"remind": {}}, events={"paid": {"tasks": [{"task": "remind", "delay": "30d"}]}})
    assert runs(play(shop, message(event="paid"))) == [f"remind 1 at {30 * 86_400_000}: success"]


def test_a_task_waits_for_its_events_delay_and_for_that_of_the_message() -> None:
    shop = pipeline(
        tasks={"close": {}, "note": {}},
        events={"paid": {"tasks": [{"task": "close", "delay": "10s"}, "note"]}},
    )
    assert runs(play(shop, message(event="paid"))) == ["note 1 at 0: success", "close 1 at 10000: success"]
    delayed = play(shop, message(event="paid", delay_ms=37_000, at_ms=1_000))
    assert runs(delayed) == ["note 1 at 38000: success", "close 1 at 48000: success"]


def test_retry_after_waits_just_so_long_and_comes_back_to_the_chosen_queue() -> None:
    shop = pipeline(
        queues={"fast": None, "slow": None},
        tasks={"ship": {"retry": ["1s", "1s"], "queues": ["fast", "slow"]}},
        events={"paid": {"tasks": [{"task": "ship", "queue": "slow"}]}},
    )
    found = play(shop, message(event="paid"), ship=[Answer(raises="Retry", after_ms=43_000), RETRY, FINE])
    assert runs(found) == ["ship 1 at 0: retry", "ship 2 at 43000: retry", "ship 3 at 44000: success"]
    assert {run.queue for run in found.runs} == {"slow"}


def test_an_attempt_takes_its_time_and_one_past_the_time_out_has_failed() -> None:
    shop = pipeline(tasks={"ship": {"retry": ["1s"], "timeout": "30s"}}, events={"paid": {"tasks": ["ship"]}})
    found = play(shop, message(event="paid"), ship=[Answer(takes_ms=31_000), Answer(takes_ms=29_000)])
    assert runs(found) == ["ship 1 at 0: retry", "ship 2 at 31000: success"]
    assert found.runs[0].error.startswith("TimeoutError: ")
    failed = play(shop, message(event="paid"), ship=Answer(takes_ms=200, raises="Retry"))
    assert runs(failed) == ["ship 1 at 0: retry", "ship 2 at 1200: dead"]


def test_reject_and_an_exception_without_a_ladder_are_dead_at_once() -> None:
    shop = pipeline(
        tasks={"ship": {"retry": ["1s"]}, "note": {}}, events={"paid": {"tasks": ["ship", "note"]}}
    )
    found = play(
        shop, message(event="paid"), ship=Answer(raises="Reject", text="gone"), note=Answer(raises="KeyError")
    )
    assert deaths(found) == ["ship 1 at 0: rejected", "note 1 at 0: failed"]
    assert [death.error for death in found.dead] == ["ebats.Reject: gone", "KeyError"]


def test_retry_without_a_ladder_waits_ten_seconds_five_times() -> None:
    shop = pipeline(tasks={"ship": {}}, events={"paid": {"tasks": ["ship"]}})
    found = play(shop, message(event="paid"), ship=RETRY)
    assert deaths(found) == ["ship 6 at 50000: exhausted"]


def test_then_and_on_dead_and_a_reply_are_what_tasks_publish() -> None:
    shop = pipeline(
        tasks={
            "ship": {"retry": ["1s"], "then": "shipped", "on_dead": "lost"},
            "note": {},
        },
        events={"paid": {"tasks": ["ship"]}, "shipped": {"tasks": ["note"]}, "lost": {"tasks": ["note"]}},
    )
    asked = message({"n": 1}, event="paid", id="p1", properties={"reply_to": "answers"})
    fine = play(shop, asked, ship=[RETRY, Answer(returns={"parcel": 3})])
    assert [(each.kind, each.event, each.at_ms) for each in fine.published] == [
        ("event", "shipped", 1000),
        ("reply", "answers", 1000),
    ]
    told = {"id": "p1", "task": "ship", "payload": {"n": 1}, "result": {"parcel": 3}}
    assert fine.published[0].payload == told
    assert fine.runs[-1].payload == told
    assert runs(fine)[-1] == "note 1 at 1000: success"
    dead = play(shop, message({"n": 1}, event="paid", id="p1"), ship=RETRY)
    (lost,) = dead.published
    assert lost.payload == {
        "id": "p1",
        "task": "ship",
        "payload": {"n": 1},
        "reason": "exhausted",
        "attempts": 2,
    }


def test_the_same_case_comes_to_the_same_each_time() -> None:
    shop = pipeline(
        tasks={"ship": {"retry": ["1s"], "then": "paid_back"}, "note": {}},
        events={"paid": {"tasks": ["ship", "note"]}, "paid_back": {"tasks": ["note"]}},
    )
    messages = [message({"n": n}, event="paid", at_ms=n * 10) for n in range(5)]
    assert play(shop, *messages, ship=[RETRY, FINE]) == play(shop, *messages, ship=[RETRY, FINE])
