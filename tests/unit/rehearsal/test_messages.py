"""What a case may publish: events of each kind, tasks, queues, raw messages; and where it ends."""

import pytest

from ebats.pipelines.cases import Answer
from ebats.runner.rehearsal.outlet import UnfitCase
from tests.unit.rehearsal.played import deaths, message, pipeline, play, runs

RETRY = Answer(raises="Retry")


def test_a_message_with_a_pattern_s_key_is_each_event_that_matches() -> None:
    shop = pipeline(
        exchanges={"trade": {"type": "topic"}},
        tasks={"ship": {}, "note": {}},
        events={
            "wanted": {"exchange": "trade", "key": "*.*.WAIT", "tasks": ["ship"]},
            "all": {"exchange": "trade", "key": "#", "tasks": ["note"]},
        },
    )
    found = play(shop, message(exchange="trade", key="a.b.WAIT"), message(exchange="trade", key="x", at_ms=5))
    assert runs(found) == ["ship 1 at 0: success", "note 1 at 0: success", "note 1 at 5: success"]
    assert [run.event for run in found.runs] == ["wanted", "all", "all"]
    assert runs(play(shop, message(event="wanted", key="a.b.WAIT")))[0] == "ship 1 at 0: success"


def test_an_intake_hands_its_messages_on() -> None:
    shop = pipeline(
        queues={"old": None},
        tasks={"ship": {}, "close": {}},
        events={"came": {"queue": "old", "tasks": ["ship", {"task": "close", "delay": "10s"}]}},
    )
    for sent in (message({"n": 1}, queue="old"), message({"n": 1}, event="came")):
        found = play(shop, sent)
        assert runs(found) == ["ship 1 at 0: success", "close 1 at 10000: success"]
        assert {(run.id, run.event) for run in found.runs} == {("m1", "came")}


def test_a_task_is_addressed_at_once_or_later_and_on_a_queue_of_its_own() -> None:
    shop = pipeline(queues={"fast": None, "slow": None}, tasks={"ship": {"queues": ["fast", "slow"]}})
    found = play(shop, message(task="ship"), message(task="ship", queue="slow", delay_ms=60_000))
    assert runs(found) == ["ship 1 at 0: success", "ship 1 at 60000: success"]
    assert [(run.queue, run.event) for run in found.runs] == [("fast", None), ("slow", None)]


def test_what_is_published_straight_to_a_queue_is_for_its_task() -> None:
    shop = pipeline(queues={"both": None}, tasks={"ship": {}, "a": {"queue": "both"}, "b": {"queue": "both"}})
    assert runs(play(shop, message(queue="ship"))) == ["ship 1 at 0: success"]
    named = message(queue="both", headers={"ebats-task": "b"})
    assert runs(play(shop, named)) == ["b 1 at 0: success"]


def test_what_nobody_knows_waits_for_ten_minutes() -> None:
    shop = pipeline(queues={"both": None}, tasks={"a": {"queue": "both"}, "b": {"queue": "both"}})
    (death,) = play(shop, message(queue="both")).dead
    assert (death.reason, death.attempts, death.task) == ("unknown", 1, None)
    assert 600_000 <= death.at_ms <= 620_000


def test_what_no_event_or_task_takes_is_dead_or_dropped() -> None:
    tasks, events = {"ship": {}}, {"paid": {"tasks": ["ship"]}}
    lost = message({"n": 1}, exchange="events", key="piad")
    (death,) = play(pipeline(tasks=tasks, events=events), lost).dead
    assert (death.reason, death.attempts, death.payload, death.event) == ("unrouted", 0, {"n": 1}, "piad")
    (death,) = play(pipeline(tasks=tasks, events=events), message(exchange="tasks", key="shp")).dead
    assert (death.reason, death.task) == ("unrouted", "shp")
    assert play(pipeline(tasks=tasks, events=events, unrouted="drop"), lost).dead == ()


def test_a_payload_that_breaks_its_schema_is_dead_with_the_place() -> None:
    schema = {"type": "object", "properties": {"order": {"required": ["id"]}}}
    shop = pipeline(tasks={"ship": {"retry": ["1s"]}}, events={"paid": {"schema": schema, "tasks": ["ship"]}})
    found = play(shop, message({"order": {}}, event="paid"), ship=Answer(takes_ms=5_000))
    assert deaths(found) == ["ship 1 at 0: schema"]
    assert "/order" in found.dead[0].error
    assert found.runs[0].payload == {"order": {}}


def test_what_is_no_json_is_dead_and_a_text_is_one_where_the_event_says_so() -> None:
    shop = pipeline(
        tasks={"ship": {}},
        events={"paid": {"tasks": ["ship"]}, "said": {"format": "text", "tasks": ["ship"]}},
    )
    found = play(shop, message(event="paid", body=b"{"), message(event="said", body=b'"hello"'))
    assert deaths(found) == ["ship 1 at 0: undecodable"]
    assert [run.payload for run in found.runs] == ["{", '"hello"']


def test_a_message_that_is_due_waits_hop_by_hop_and_an_unreadable_moment_is_dead() -> None:
    shop = pipeline(tasks={"ship": {}}, events={"paid": {"tasks": ["ship"]}})
    day_ms = 86_400_000
    found = play(shop, message(event="paid", delay_ms=3 * day_ms + 4_000))
    assert runs(found) == [f"ship 1 at {3 * day_ms + 4_000}: success"]
    undated = play(shop, message(task="ship", headers={"ebats-due": "soon"}))
    assert deaths(undated) == ["ship 1 at 0: undecodable"]
    assert undated.runs == ()


def test_a_publisher_s_expiration_cuts_no_delay_short() -> None:
    shop = pipeline(tasks={"ship": {}}, events={"paid": {"tasks": [{"task": "ship", "delay": "10s"}]}})
    found = play(shop, message(event="paid", properties={"expiration": "1000"}))
    assert runs(found) == ["ship 1 at 11000: success"]


def test_a_reply_among_what_ebats_itself_works_with_is_left_out() -> None:
    shop = pipeline(
        tasks={"ship": {"on_dead": "lost"}, "note": {}},
        events={"paid": {"tasks": ["ship"]}, "lost": {"tasks": ["note"]}},
    )
    found = play(shop, message(event="paid", properties={"reply_to": "shop.dead"}), ship=RETRY)
    assert [each.kind for each in found.published] == ["event"]


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ({"event": "piad"}, "did you mean"),
        ({"task": "shp"}, "did you mean"),
        ({"queue": "nowhere"}, "no queue 'nowhere'"),
        ({"exchange": "nowhere", "key": "a"}, "no exchange 'nowhere'"),
        ({"event": "wanted"}, "choose a key"),
    ],
)
def test_what_has_no_address_is_said_with_its_place(sent: dict[str, str], why: str) -> None:
    shop = pipeline(
        exchanges={"trade": {"type": "topic"}},
        tasks={"ship": {}},
        events={
            "paid": {"tasks": ["ship"]},
            "wanted": {"exchange": "trade", "key": "a.*", "tasks": ["ship"]},
        },
    )
    with pytest.raises(UnfitCase, match=why) as caught:
        play(shop, message(**sent))
    assert caught.value.place.line == 1
