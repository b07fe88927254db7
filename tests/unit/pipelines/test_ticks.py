"""Ticks: which are due, which were missed, what is remembered, what is published."""

import json

import pytest

from ebats.pipelines import ticks
from ebats.pipelines.ticks import LATE_MS, MOST_MISSED, Due, Memory, Schedule, begin, due

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
EACH_SECOND = Schedule(every_ms=SECOND)
HOURLY = Schedule(cron="0 * * * *")
#: A whole day.
T = 20_000 * DAY


def test_ticks_of_an_interval_are_its_multiples_since_1970() -> None:
    assert EACH_SECOND.after(T) == T + SECOND
    assert EACH_SECOND.after(T - 1) == T
    assert Schedule(every_ms=7 * DAY).after(0) == 7 * DAY


def test_what_only_starts_never_ticks() -> None:
    assert Schedule().after(T) is None
    assert due(Schedule(), "all", 0, T) == Due(dealt_ms=0)


def test_nothing_is_due_before_its_time() -> None:
    assert due(HOURLY, "all", T, T + HOUR - 1) == Due(dealt_ms=T)
    assert due(HOURLY, "all", T, T + HOUR) == Due(fire=(T + HOUR,), dealt_ms=T + HOUR)


@pytest.mark.parametrize("missed", ["skip", "once", "all"])
def test_what_is_two_minutes_late_is_fired_whatever_becomes_of_missed_ones(missed: ticks.Missed) -> None:
    late = tuple(T + number * SECOND for number in range(1, 121))
    assert due(EACH_SECOND, missed, T, T + LATE_MS) == Due(fire=late, dealt_ms=late[-1])
    assert due(HOURLY, missed, T, T + HOUR + LATE_MS).fire == (T + HOUR,)
    often = Schedule(every_ms=100)
    assert len(due(often, missed, T, T + 100 + LATE_MS).fire) == 1201


def test_who_has_long_heartbeats_has_more_time_to_take_over() -> None:
    assert ticks.late_ms(30) == LATE_MS
    assert ticks.late_ms(60) == 4 * MINUTE
    found = due(HOURLY, "skip", T, T + HOUR + 3 * MINUTE, ticks.late_ms(60))
    assert found == Due(fire=(T + HOUR,), dealt_ms=T + HOUR)


@pytest.mark.parametrize(
    ("missed", "fired"), [("skip", ()), ("once", (3,)), ("all", (1, 2, 3))], ids=["skip", "once", "all"]
)
def test_after_a_pause_missed_ones_are_none_the_last_or_all(
    missed: ticks.Missed, fired: tuple[int, ...]
) -> None:
    found = due(HOURLY, missed, T, T + 3 * HOUR + MINUTE)
    assert found.fire == tuple(T + number * HOUR for number in fired)
    assert (found.dealt_ms, found.missed_ms) == (T + 3 * HOUR, T + HOUR)
    assert due(HOURLY, missed, found.dealt_ms, T + 3 * HOUR + MINUTE) == Due(dealt_ms=T + 3 * HOUR)


def test_a_pause_takes_its_last_minutes_along() -> None:
    assert due(EACH_SECOND, "skip", T, T + HOUR) == Due(dealt_ms=T + HOUR, missed_ms=T + SECOND)
    assert due(EACH_SECOND, "once", T, T + HOUR).fire == (T + HOUR,)


def test_more_than_a_thousand_are_not_made_up_for() -> None:
    found = due(EACH_SECOND, "all", T, T + HOUR)
    assert len(found.fire) == MOST_MISSED
    assert (found.fire[-1], found.dealt_ms, found.too_many) == (T + HOUR, T + HOUR, True)
    exactly = due(EACH_SECOND, "all", T, T + MOST_MISSED * SECOND)
    assert (len(exactly.fire), exactly.too_many) == (MOST_MISSED, False)


def test_ten_years_are_looked_through_quickly() -> None:
    each_minute = Schedule(cron="* * * * *")
    found = due(each_minute, "all", T, T + 3650 * DAY)
    assert (len(found.fire), found.dealt_ms, found.too_many) == (MOST_MISSED, T + 3650 * DAY, True)
    yearly = Schedule(cron="0 0 1 1 *", zone="Europe/Berlin")
    assert len(due(yearly, "all", T, T + 3650 * DAY).fire) == 10


def test_a_clock_that_goes_back_fires_nothing_again() -> None:
    assert due(EACH_SECOND, "all", T, T - HOUR) == Due(dealt_ms=T)
    assert EACH_SECOND.after(T) == T + SECOND


def test_the_first_time_it_begins_now() -> None:
    memory = begin(None, HOURLY, T + 5)
    assert memory == Memory(dealt_ms=T + 5, schedule="0 * * * * UTC")
    assert due(HOURLY, "all", memory.dealt_ms, T + 5) == Due(dealt_ms=T + 5)


def test_it_goes_on_where_it_ended() -> None:
    memory = Memory(dealt_ms=T, last_ms=T, schedule=str(HOURLY), starts=(1,))
    assert begin(memory, HOURLY, T + DAY) == memory
    assert begin(memory, HOURLY, T - HOUR) == memory


@pytest.mark.parametrize(
    "other", [Schedule(cron="* * * * *"), Schedule(cron="0 * * * *", zone="Asia/Tokyo"), EACH_SECOND]
)
def test_another_schedule_begins_now(other: Schedule) -> None:
    memory = Memory(dealt_ms=T, last_ms=T, schedule=str(HOURLY), starts=(1,))
    expected = Memory(dealt_ms=T + DAY, last_ms=T, schedule=str(other), starts=(1,))
    assert begin(memory, other, T + DAY) == expected


def test_a_last_tick_more_than_a_day_ahead_was_of_a_wrong_clock() -> None:
    memory = Memory(dealt_ms=T + 2 * DAY, last_ms=T + 2 * DAY, schedule=str(HOURLY))
    assert ticks.is_ahead(memory, T)
    assert begin(memory, HOURLY, T).dealt_ms == T


def test_what_is_remembered_can_be_stored() -> None:
    memory = Memory(dealt_ms=T, last_ms=None, schedule=str(HOURLY), starts=(1, 2))
    assert ticks.from_json(ticks.to_json(memory)) == memory
    assert ticks.later([]) is None
    second = Memory(dealt_ms=T + 1, last_ms=T, schedule=str(HOURLY))
    assert ticks.later([second, memory]) == second


def test_the_starts_of_many_runs_are_forgotten_but_for_the_latest() -> None:
    memory = older = Memory(dealt_ms=T, schedule="")
    for began_ms in range(T, T + 250):
        older, memory = memory, ticks.started(memory, began_ms)
    assert memory.starts == tuple(range(T + 150, T + 250))
    # Both are there after a crash, in whichever order.
    assert ticks.later([older, memory]) == ticks.later([memory, older]) == memory


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", "nothing", '{"version": 2}', '{"version": 1, "dealt": 1}'),
        '{"version":1,"dealt":"x"}',
        *(
            f'{{"version":1,"dealt":{dealt},"last":1,"schedule":"","starts":[]}}'
            for dealt in ("1" + 30 * "0", "-1", "Infinity", "NaN", "1e300", str(10**15))
        ),
        f'{{"version":1,"dealt":1,"last":{10**15},"schedule":"","starts":[]}}',
        '{"version":1,"dealt":1,"last":1,"schedule":"","starts":[Infinity]}',
        "[" * 100_000,
    ],
)
def test_what_is_none_of_ours_is_told(text: str) -> None:
    with pytest.raises(ValueError):
        ticks.from_json(text)


def test_an_id_is_the_tick_in_utc_and_has_no_dot() -> None:
    assert ticks.message_id("shop", "nightly", T) == "shop-nightly-2024-10-04T00:00:00Z"
    assert ticks.message_id("shop", "beat", T + 500) == "shop-beat-2024-10-04T00:00:00,500Z"
    start = ticks.message_id("shop", "boot", T + 5, is_start=True)
    assert start == "shop-boot-start-2024-10-04T00:00:00,005Z"


def test_a_tick_is_written_with_the_offset_of_its_zone() -> None:
    assert ticks.written(T, "Asia/Shanghai") == "2024-10-04T08:00:00+08:00"
    assert ticks.written(T, "UTC") == "2024-10-04T00:00:00+00:00"
    assert ticks.written(T + 500, "America/New_York") == "2024-10-03T20:00:00.500-04:00"


def test_a_payload_has_the_tick_in_each_of_its_texts() -> None:
    value = {"at": "{{ tick }}", "list": ["until {{tick}}", 1, None, True], "{{ tick }}": "plain"}
    payload = ticks.payload(json.dumps(value))
    filled = {"at": "now", "list": ["until now", 1, None, True], "{{ tick }}": "plain"}
    assert payload.at("now") == filled
    assert ticks.payload('"{{ tick }}"').at("now") == "now"
    assert ticks.payload("5").at("now") == 5


@pytest.mark.parametrize("text", ["{{ order.id }}", "{{ tick.x }}", "{{ tick", "{{ tick }} {{ now }}"])
def test_a_payload_has_no_other_field(text: str) -> None:
    with pytest.raises(ValueError):
        ticks.payload(json.dumps([text]))
