from typing import Any

from ebats.runner.broker.sqlite import codec, deaths


def bury(meta: dict[str, Any], queue: str, reason: str, now_s: float = 1.0) -> dict[str, Any]:
    return deaths.bury(meta, queue=queue, reason=reason, exchange="x", key="k", now_s=now_s)


def shown(meta: dict[str, Any]) -> dict[str, Any]:
    return deaths.headers(codec.decode(codec.encode(meta)))


def test_the_first_death_is_written_as_rabbitmq_does() -> None:
    after = shown(bury({"expiration": "50"}, "q", "expired", now_s=1_600_000_000.9))
    (death,) = after["x-death"]
    assert {key: value for key, value in death.items() if key != "time"} == {
        "count": 1,
        "reason": "expired",
        "queue": "q",
        "exchange": "x",
        "routing-keys": ["k"],
        "original-expiration": "50",
    }
    assert death["time"].isoformat() == "2020-09-13T12:26:40"  # whole seconds, no time zone
    assert (after["x-first-death-queue"], after["x-first-death-reason"]) == ("q", "expired")


def test_an_expiration_is_taken_out_so_that_it_counts_once() -> None:
    assert "expiration" not in bury({"expiration": "50", "message_id": "m"}, "q", "rejected")


def test_the_same_queue_and_reason_count_up_and_come_first() -> None:
    meta = bury(bury(bury({}, "a", "expired"), "b", "rejected"), "a", "expired")
    history = shown(meta)
    assert [(death["queue"], death["count"]) for death in history["x-death"]] == [("a", 2), ("b", 1)]
    assert history["x-first-death-queue"] == "a"
    assert history["x-last-death-queue"] == "a"


def test_a_message_is_in_a_cycle_only_if_nobody_rejected_it() -> None:
    round_trip = bury(bury({}, "work", "delivery_limit"), "rung", "expired")
    assert deaths.is_cycle(round_trip, "work")
    assert not deaths.is_cycle(round_trip, "other")
    rejected = bury(bury({}, "work", "rejected"), "rung", "expired")
    assert not deaths.is_cycle(rejected, "work")


def test_the_history_survives_many_rounds_of_storage() -> None:
    meta = bury({}, "a", "expired")
    for _ in range(3):
        meta = bury(codec.decode_raw(codec.encode(meta)), "b", "rejected")
    assert shown(meta)["x-death"][0]["count"] == 3
    assert shown(meta)["x-death"][1]["time"].year == 1970


def test_a_history_that_a_client_sends_is_only_a_header() -> None:
    meta = bury({"application_headers": {"x-death": [{"queue": "q", "reason": "expired"}]}}, "q", "expired")
    assert shown(meta)["x-death"][0]["count"] == 1
