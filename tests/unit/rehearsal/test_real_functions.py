"""The file's own functions in a rehearsal: called as in a consumer process, on a clock that never waits."""

import sys
import time
from pathlib import Path

import pytest

from ebats.pipelines.cases import Answer
from ebats.pipelines.model import Pipeline
from ebats.runner.rehearsal.imports import importing
from tests.unit.rehearsal.played import deaths, message, pipeline, play, runs

REAL = Answer(real=True)

TASKS = """
import asyncio
from ebats import Context, Payload, Reject, Retry

seen = []

def ship(order_id, context: Context, express=False):
    seen.append((order_id, express, context.attempt, context.queue, dict(context.headers)))
    if context.attempt < 2:
        raise Retry("busy", after="5s")
    return {"parcel": order_id}

async def whole(body: Payload, context: Context):
    await asyncio.sleep(3600)
    await context.publish_async("shipped", {"of": body["order_id"]}, delay="10s")

def tell(context: Context):
    context.publish("shipped", {"by": context.task}, id="mine")
    context.run_task("note", {"n": 1})
    asyncio.run(asyncio.sleep(0))
    raise Reject("enough")

def note(context: Context):
    context.logger.info("noted")

def wrong(context: Context):
    context.publish("shiped", {})

async def never():
    await asyncio.Future()

def again(context: Context):
    context.publish("more", {}, delay="1d")

async def pooled():
    return await asyncio.to_thread(lambda: sum(range(10)))
"""


@pytest.fixture
def shop(tmp_path: Path) -> Pipeline:
    """A pipeline with functions beside its file."""
    (tmp_path / "orders.py").write_text(TASKS)
    names = ("ship", "whole", "tell", "note", "wrong", "never", "pooled", "again")
    tasks = {name: {"python": f"orders:{name}"} for name in names}
    tasks |= {"gone": {"python": "orders:nobody"}, "ship": {"python": "orders:ship", "retry": ["1s"]}}
    tasks["whole"] = {"python": "orders:whole", "timeout": "2h"}
    tasks["never"] = {"python": "orders:never", "timeout": "none"}
    events = {"shipped": {"tasks": ["note"]}, "more": {"tasks": ["again"]}}
    return pipeline(str(tmp_path / "shop.yaml"), tasks=tasks, events=events)


def test_it_gets_its_keyword_arguments_and_its_context(shop: Pipeline) -> None:
    with importing(shop.folders):
        found = play(shop, message({"order_id": 7, "other": 1}, task="ship"), ship=REAL)
        assert sys.modules["orders"].seen[0] == (
            7,
            False,
            1,
            "ship",
            found.runs and sys.modules["orders"].seen[0][4],
        )
    assert runs(found) == ["ship 1 at 0: retry", "ship 2 at 5000: success"]
    assert found.runs[0].error == "ebats.Retry: busy"


def test_a_required_parameter_that_is_missing_is_dead(shop: Pipeline) -> None:
    found = play(shop, message({}, task="ship"), ship=REAL)
    assert deaths(found) == ["ship 1 at 0: arguments"]


def test_an_async_one_sleeps_for_no_time_and_publishes(shop: Pipeline) -> None:
    began = time.perf_counter()
    found = play(shop, message({"order_id": 7}, task="whole"), whole=REAL)
    assert time.perf_counter() - began < 5
    assert runs(found) == ["whole 1 at 0: success", "note 1 at 3610000: success"]
    (told,) = found.published
    assert (told.kind, told.event, told.at_ms, told.payload) == ("event", "shipped", 3_600_000, {"of": 7})


def test_what_a_context_publishes_is_told_with_its_kind(shop: Pipeline) -> None:
    found = play(shop, message({}, task="tell"), tell=REAL)
    assert [(each.id, each.kind, each.event) for each in found.published] == [
        ("mine", "event", "shipped"),
        ("p1", "task", "note"),
    ]
    assert deaths(found) == ["tell 1 at 0: rejected"]
    assert runs(found) == ["tell 1 at 0: dead", "note 1 at 0: success", "note 1 at 0: success"]


def test_publishing_to_what_is_not_there_raises_in_the_task(shop: Pipeline) -> None:
    found = play(shop, message({}, task="wrong"), wrong=REAL)
    assert "did you mean" in found.dead[0].error
    assert found.published == ()


def test_one_that_cannot_be_imported_fails_as_in_a_run(shop: Pipeline) -> None:
    found = play(shop, message({}, task="gone"), gone=REAL)
    assert deaths(found) == ["gone 1 at 0: failed"]
    assert found.dead[0].error.startswith("BadEntryPoint: can't import orders:nobody")


def test_attempts_may_be_real_one_by_one_and_take_their_time(shop: Pipeline) -> None:
    answers = [Answer(raises="ValueError"), Answer(real=True, takes_ms=2_000)]
    found = play(shop, message({"order_id": 7}, task="ship"), ship=answers)
    assert runs(found) == ["ship 1 at 0: retry", "ship 2 at 1000: success"]


def test_one_that_never_ends_still_waits_when_all_else_is_done(shop: Pipeline) -> None:
    found = play(shop, message({}, task="never"), never=REAL)
    assert (found.runs, found.waiting) == ((), {"never": 1})


def test_what_goes_on_for_ever_is_stopped_and_waits(shop: Pipeline) -> None:
    found = play(shop, message(event="more"), again=REAL)
    assert found.stopped
    assert len(found.runs) > 1000
    assert sum(found.waiting.values()) >= 1


def test_a_thread_of_an_async_one_is_waited_for(shop: Pipeline) -> None:
    assert runs(play(shop, message({}, task="pooled"), pooled=REAL)) == ["pooled 1 at 0: success"]


def test_modules_of_one_file_are_forgotten_before_the_next(tmp_path: Path) -> None:
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "orders.py").write_text(f"def ship():\n    raise ValueError({number})")
        shop = pipeline(str(folder / "shop.yaml"), tasks={"ship": {"python": "orders:ship"}})
        assert play(shop, message({}, task="ship"), ship=REAL).dead[0].error == f"ValueError: {number}"
    assert "orders" not in sys.modules
