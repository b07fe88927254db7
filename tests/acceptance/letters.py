"""Dead letters for tests: a pipeline to have them, and the commands on them."""

import json
import subprocess
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import pytest

from tests.commands import run_ebats
from tests.faults.send import Message, Sender
from tests.faults.site import Site
from tests.waiting import wait_until


@pytest.fixture
def shop(site: Site) -> Site:
    """A pipeline whose queues are there, and whose letters a test writes itself."""
    site.write(
        queues={"fast": {}, "slow": {}},
        tasks={
            "work": {"python": "tasks:work", "queues": ["fast", "slow"]},
            "other": {"python": "tasks:work", "queue": "slow"},
        },
        events={"happened": {"tasks": ["work", "other"]}, "alone": {"tasks": ["other"]}},
    )
    site.declare()
    return site


def dead(shop: Site, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run `ebats dead`; the first word is its command."""
    return run_ebats("dead", words[0], shop.file, *words[1:], stdin=stdin)


def listed(shop: Site, *words: str) -> list[dict[str, Any]]:
    """Return what `ebats dead list` says to programs."""
    result = dead(shop, "list", "--format", "json", *words)
    assert result.returncode == 0, result.stderr
    letters: list[dict[str, Any]] = json.loads(result.stdout)["letters"]
    return letters


def names(letters: Iterable[dict[str, Any]]) -> set[str]:
    return {letter["id"] for letter in letters}


def write(shop: Site, *letters: dict[str, Any]) -> None:
    """Put letters into the dead letters, as a runner writes them; a header `id` is the message's."""
    messages = []
    for letter in letters:
        name = letter["id"]
        given = {f"ebats-{key}": value for key, value in letter.items() if key not in ("id", "body")}
        headers = {
            "ebats-reason": "failed",
            "ebats-task": "work",
            "ebats-queue": "fast",
            "trace": "t",
        } | given
        body = letter.get("body", json.dumps({"n": name}).encode())
        exchange = f"{shop.name}.dead"
        message = Message(name=name, exchange=exchange, key="work", body=body, headers=headers)
        messages.append(message.with_properties(message_id=name))
    with closing(Sender(shop.url, shop.oracle)) as sender:
        sender.send(messages)
    before = len(letters)
    wait_until(lambda: shop.ready("dead") >= before, 20)
