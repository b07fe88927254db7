"""The rehearsal held against the runner: random small pipelines, on a virtual clock and on a broker."""

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ebats.pipelines.cases import Answer, Case, Expectation, Rehearsed
from ebats.pipelines.load import from_bytes
from ebats.pipelines.model import Pipeline
from ebats.runner.execution.letter import Letter
from ebats.runner.rehearsal.rehearse import rehearse
from tests.integration.rehearsal.plays import Play, as_file, plays
from tests.integration.rehearsal.real import Real, answer, decoded, planned
from tests.merchant import Merchant
from tests.unit.rehearsal.played import PLACE

#: More of them: EBATS_TEST_REHEARSALS=100.
EXAMPLES = int(os.environ.get("EBATS_TEST_REHEARSALS", "20"))

#: Brokers on a disk wait for it; none of these has to outlive its example.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
#: Not smaller and smaller ones: each takes a second, and leaves threads and pipes behind.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)

#: By message, task, event and queue, what its attempts were, in order: that of two events is nobody's.
Attempts = dict[tuple[str, str, str | None, str], list[Any]]


@pytest.fixture(scope="module")
def merchant() -> Iterator[Merchant]:
    """Somebody who is asked by HTTP tasks."""
    with Merchant(answer) as merchant:
        yield merchant


@pytest.mark.slow
@pytest.mark.timeout(120 + 30 * EXAMPLES)
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow], phases=PHASES)
@given(data=st.data())
def test_a_rehearsal_comes_to_what_a_run_comes_to(merchant: Merchant, data: st.DataObject) -> None:
    play = data.draw(plays(merchant.port))
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder, planned(play):
        text = as_file(play, "shop", f"sqlite:///{folder}/broker.db")
        pipeline = from_bytes(f"{folder}/shop.yaml", text.encode(), {}).pipeline
        found = rehearse(pipeline, _case(play))
        assert not found.stopped
        assert not found.waiting
        real = Real(pipeline)
        real.publish(play.messages)
        real.work(len(found.runs))
        assert _rehearsed_attempts(found) == _real_attempts(real)
        assert _rehearsed_deaths(found) == _real_deaths(real)
        assert _rehearsed_events(found) == _real_events(real)
        assert _rehearsed_replies(found) == _real_replies(real)


def _case(play: Play) -> Case:
    answers = {
        name: tuple(Answer(real=True) for _ in each) if name in play.real else each
        for name, each in play.plan.items()
    }
    return Case(name="", messages=play.messages, answers=answers, expect=Expectation(), place=PLACE)


def _rehearsed_attempts(found: Rehearsed) -> Attempts:
    attempts: Attempts = defaultdict(list)
    for run in found.runs:
        payload = None if run.reason == "undecodable" else run.payload
        attempts[run.id, run.task, run.event, run.queue].append(
            (run.attempt, run.outcome, payload, run.error, run.reason)
        )
    return attempts


def _real_attempts(real: Real) -> Attempts:
    attempts: Attempts = defaultdict(list)
    for record in real.executions():
        error = f"{record.error}: {record.text}" if record.text and record.error else record.error or ""
        attempts[record.id, record.task, record.event, record.queue].append(
            (record.attempt, record.outcome, record.payload, error, record.reason or "")
        )
    return attempts


def _rehearsed_deaths(found: Rehearsed) -> list[str]:
    return sorted(
        repr((death.id, death.task, death.event, death.reason, death.attempts, death.payload, death.error))
        for death in found.dead
    )


def _real_deaths(real: Real) -> list[str]:
    return sorted(
        repr(
            (
                letter.id,
                letter.task,
                letter.event,
                letter.reason,
                letter.attempt or 0,
                _payload(real.pipeline, letter),
                (f"{letter.error}: {letter.text}" if letter.text else letter.error) if letter.error else "",
            )
        )
        for letter in real.letters()
    )


def _payload(pipeline: Pipeline, letter: Letter) -> object:
    event = pipeline.events.get(letter.event or "")
    body = letter.delivery.body
    return body.decode(errors="replace") if event and event.format == "text" else decoded(body)


def _rehearsed_events(found: Rehearsed) -> list[str]:
    told = [(each.id, each.event, each.payload) for each in found.published if each.kind == "event"]
    return sorted(map(repr, told))


def _real_events(real: Real) -> list[str]:
    return sorted(
        repr(
            (
                message.properties["message_id"],
                message.delivery_info["routing_key"],
                decoded(bytes(message.body)),
            )
        )
        for message in real.take("seen")
    )


def _rehearsed_replies(found: Rehearsed) -> list[str]:
    return sorted(repr((each.id, each.payload)) for each in found.published if each.kind == "reply")


def _real_replies(real: Real) -> list[str]:
    return sorted(
        repr((message.properties["message_id"], decoded(bytes(message.body))))
        for message in real.take("answers")
    )
