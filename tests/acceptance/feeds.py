"""Producers of the tests, copied beside the pipeline's file: what they yield, and how they end."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from ebats import ProducerContext

FOLDER = Path(__file__).parent


def note(what: str) -> None:
    """Write down that something was so."""
    with (FOLDER / "notes").open("a") as file:
        file.write(f"{what}\n")


def calls() -> int:
    """Count the calls of this producer, over all its processes."""
    note("called")
    return (FOLDER / "notes").read_text().splitlines().count("called")


def ten() -> Iterator[dict[str, Any]]:
    """Yield ten payloads and return."""
    for number in range(10):
        yield {"n": f"m-{number}"}


async def ten_async() -> AsyncIterator[dict[str, Any]]:
    """Yield ten payloads and return."""
    for payload in ten():
        await asyncio.sleep(0)
        yield payload


def ten_in_a_list() -> list[dict[str, Any]]:
    """Return ten payloads."""
    return list(ten())


async def ten_awaited() -> list[dict[str, Any]]:
    """Return ten payloads, after a while."""
    await asyncio.sleep(0.01)
    return list(ten())


def ten_published(context: ProducerContext) -> None:
    """Publish ten payloads by itself."""
    for payload in ten():
        context.publish("happened", payload)


async def ten_published_async(context: "ProducerContext | None" = None) -> None:
    """Publish ten payloads by itself, awaiting each."""
    assert context
    for payload in ten():
        await context.publish_async("happened", payload)


def pairs() -> Iterator[tuple[Any, ...]]:
    """Yield pairs of an event and its payload, one with an id."""
    yield "happened", {"n": "m-0"}
    yield "happened", {"n": "m-1"}, {"id": "mine", "headers": {"trace": "7f"}}
    yield "other", {"n": "m-2"}


def fails_twice() -> Iterator[dict[str, Any]]:
    """Yield one payload, and fail the first two times."""
    call = calls()
    yield {"n": f"call-{call}"}
    if call < 3:
        raise RuntimeError(f"no luck in call {call}")


def yields_nonsense() -> Iterator[Any]:
    """Yield what can't be published between what can, and hear about it."""
    for payload in ({"n": "m-0"}, {"at": object()}, {"n": "m-1"}):
        try:
            yield payload
        except TypeError as error:
            note(f"told {error}")


async def yields_nonsense_async() -> AsyncIterator[Any]:
    """Do the same, asynchronously."""
    for payload in ({"n": "m-0"}, {"at": object()}, {"n": "m-1"}):
        try:
            yield payload
        except TypeError as error:
            note(f"told {error}")


def misnames() -> Iterator[tuple[str, Any]]:
    """Yield an event that isn't there, and hear nothing about it, but the second time."""
    yield ("hapened", {}) if calls() == 1 else ("happened", {"n": "m-0"})


def forever() -> Iterator[dict[str, Any]]:
    """Yield without end; tell what was yielded, and that it was closed."""
    number = 0
    try:
        while True:
            note(f"yields {number}")
            yield {"n": f"m-{number}"}
            number += 1
            time.sleep(0.005)
    finally:
        note("closed")


async def forever_async() -> AsyncIterator[dict[str, Any]]:
    """Yield one payload, wait for ever, and tell that it was cancelled."""
    yield {"n": "m-0"}
    try:
        await asyncio.sleep(3600)
    finally:
        note("closed")


def flood() -> Iterator[dict[str, Any]]:
    """Yield fast; count what was yielded in a file."""
    number = 0
    with (FOLDER / "flood").open("wb", buffering=0) as file:
        while True:
            os.pwrite(file.fileno(), b"%12d" % number, 0)
            yield {"n": f"m-{number}", "text": "x" * 4_000}
            number += 1
            time.sleep(0.0003)  # what is published has to be looked at, too


async def flood_async() -> AsyncIterator[dict[str, Any]]:
    """Yield as fast as it can, and stay a good neighbour of what else is on the loop."""
    beat = asyncio.create_task(beats())
    try:
        for payload in flood():
            yield payload
    finally:
        beat.cancel()


async def beats() -> None:
    """Count that this loop lives."""
    number = 0
    while True:
        await asyncio.sleep(0.05)
        number += 1
        (FOLDER / "beats").write_text(str(number))


def sleeps() -> Iterator[dict[str, Any]]:
    """Yield one payload, and come to no yield for an hour."""
    yield {"n": "m-0"}
    time.sleep(3600)


def watches(context: ProducerContext) -> None:
    """Publish every 10 ms, until it is to leave."""
    number = 0
    while context.wait(0.01):
        context.publish("happened", {"n": f"m-{number}"})
        note(f"published {number}")
        number += 1
    context.logger.info(f"leaves, stopping: {json.dumps(context.stopping)}")
    note("closed")


def big() -> Iterator[dict[str, Any]]:
    """Yield twenty large payloads and return."""
    for number in range(20):
        yield {"n": f"m-{number}", "text": "x" * 4_000_000}


def too_big() -> Iterator[dict[str, Any]]:
    """Yield what the broker refuses, once."""
    call = calls()
    yield {"n": "m-0"}
    if call == 1:
        yield {"n": "m-1", "text": "x" * 150_000_000}


def imported() -> Iterator[dict[str, Any]]:
    """Tell what was imported that a producer does not need; kombu imports yaml by itself."""
    heavy = ("jsonschema", "jsonschema_rs", "aiohttp", "elasticsearch", "cronsim", "loguru")
    note(f"imported {[name for name in heavy if name in sys.modules]}")
    yield {"n": "m-0"}


def wants(number: int) -> list[int]:
    """Want what nobody gives."""
    return [number]


NUMBER = 7
