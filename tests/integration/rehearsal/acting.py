"""Tasks that end as a plan says, by task and attempt: for real runs, and for rehearsals that call them."""

import asyncio
from collections.abc import Mapping

from ebats import Context, Payload, Reject, Retry
from ebats.pipelines.cases import Answer

#: By task, for its attempts one after another; the last one stays.
PLAN: dict[str, tuple[Answer, ...]] = {}
#: What a task publishes in each attempt: event and payload.
PUBLISHES: dict[str, tuple[str, Mapping[str, object]]] = {}
#: Tasks that have been called with an attempt's payload.
CALLED: list[tuple[str, object]] = []


def perform(context: Context, payload: Payload) -> object:
    """Do what the plan says."""
    if context.task in PUBLISHES:
        event, published = PUBLISHES[context.task]
        context.publish(event, published, id=_id(context))
    return _end(context, payload)


async def perform_async(context: Context, payload: Payload) -> object:
    """Do what the plan says, on an event loop; `takes_ms` is waited for."""
    if context.task in PUBLISHES:
        event, published = PUBLISHES[context.task]
        await context.publish_async(event, published, id=_id(context))
    await asyncio.sleep(answer_to(context.task, context.attempt).takes_ms / 1000)
    return _end(context, payload)


def answer_to(task: str, attempt: int) -> Answer:
    """Return how an attempt ends."""
    answers = PLAN.get(task) or (Answer(),)
    return answers[min(attempt, len(answers)) - 1]


def _id(context: Context) -> str:
    return f"{context.id}.{context.task}.{context.attempt}"


def _end(context: Context, payload: object) -> object:
    CALLED.append((context.task, payload))
    answer = answer_to(context.task, context.attempt)
    if answer.raises == "Retry":
        after = None if answer.after_ms is None else answer.after_ms / 1000
        raise Retry(answer.text, after=after)
    if answer.raises:
        raise {"Reject": Reject, "ValueError": ValueError}[answer.raises](answer.text)
    return answer.returns
