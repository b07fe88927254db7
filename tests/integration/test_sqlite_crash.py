"""Producers, consumers and rungs on the embedded broker while processes are killed at random.

`python -m tests.integration.test_sqlite_crash URL FOLDER ROLE` is one of the processes. Each writes ids to a
file of its own: a producer once they are confirmed, a consumer before it acknowledges.
"""

import itertools
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.integration.actor import REPOSITORY
from tests.integration.wire import AT_LEAST_ONCE, Wire, confirms_of
from tests.waiting import wait_until

ROLES = ("produce", "produce", "consume", "consume")
PREFETCH = 40
KILLS = 12


def produce(url: str, journal: Path) -> None:
    wire = Wire(url)
    confirmed = confirms_of(wire.channel)
    chance = random.Random()
    sent = 0
    for number in itertools.count():
        ids = [f"{os.getpid()}.{number}.{index}" for index in range(chance.randint(1, 40))]
        for name in ids:
            exchange = chance.choice(["rung", "tasks"])
            wire.publish(b"x" * chance.randint(1, 3000), exchange, "work", message_id=name)
        sent += len(ids)
        wire.drain_until(lambda: len(confirmed) == sent, "the confirms")  # noqa: B023
        note(journal, *ids)
        time.sleep(0.01)


def consume(url: str, journal: Path) -> None:
    wire, sender = Wire(url), Wire(url)
    confirmed = confirms_of(sender.channel)
    chance = random.Random()
    retried = itertools.count(1)

    def handle(message: Any) -> None:
        name = message.properties["message_id"]
        luck = chance.random()
        if luck < 0.1:  # a retry: to the rung, confirmed, then acknowledged
            sender.publish(message.body, "rung", "work", message_id=name)
            count = next(retried)
            sender.drain_until(lambda: len(confirmed) == count, "the confirm")
            wire.channel.basic_ack(message.delivery_tag)
        elif luck < 0.12:
            wire.channel.basic_reject(message.delivery_tag, requeue=False)
        else:
            note(journal, name)
            wire.channel.basic_ack(message.delivery_tag)

    wire.channel.basic_qos(0, PREFETCH, False)
    wire.channel.basic_consume("work", callback=handle)
    wire.drain_until(lambda: False, "the end", deadline_s=600)


def note(journal: Path, *names: str) -> None:
    with journal.open("a") as file:
        file.write("".join(f"{name}\n" for name in names))


def start(url: str, folder: Path, role: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.integration.test_sqlite_crash", url, str(folder), role]
    return subprocess.Popen(command, cwd=REPOSITORY)


def names(folder: Path, role: str) -> list[str]:
    return [name for path in folder.glob(f"{role}.*") for name in path.read_text().split()]


def declare(wire: Wire) -> None:
    wire.exchange("tasks", "direct")
    wire.fanout_to_queue("dead", {})
    wire.fanout_to_queue(
        "rung",
        {"x-queue-type": "quorum", "x-message-ttl": 300, "x-dead-letter-exchange": "tasks", **AT_LEAST_ONCE},
    )
    wire.queue("work", {"x-queue-type": "quorum", "x-dead-letter-exchange": "dead"})
    wire.channel.queue_bind("work", "tasks", "work")


def left(wire: Wire) -> int:
    query = "SELECT count(*) FROM entry WHERE queue <> (SELECT id FROM queue WHERE name = 'dead')"
    count: int = wire.connection.connection.store.read(query)[0][0]
    return count


def test_killing_anything_at_random_loses_no_confirmed_message(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    wire = Wire(url)
    declare(wire)
    chance = random.Random(1)
    with ExitStack() as stack:
        running = [start(url, tmp_path, role) for role in ROLES]
        stack.callback(lambda: [(process.kill(), process.wait()) for process in running])
        wait_until(lambda: names(tmp_path, "produce") and names(tmp_path, "consume"), 30)
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.2, 0.5))
            victim = chance.randrange(len(ROLES))
            running[victim].kill()
            running[victim].wait()
            running[victim] = start(url, tmp_path, ROLES[victim])
        for role, process in zip(ROLES, running, strict=True):
            if role == "produce":
                process.kill()
                process.wait()
        wait_until(lambda: wire.drain(0.1) or left(wire) == 0, 60)
    done, dead = names(tmp_path, "consume"), set()
    while (letter := wire.channel.basic_get("dead", no_ack=True)) is not None:
        dead.add(letter.properties["message_id"])
    wire.close()
    assert not set(names(tmp_path, "produce")) - set(done) - dead
    repeats = sum(count - 1 for count in Counter(done).values())
    assert repeats <= KILLS * PREFETCH
    database = sqlite3.connect(tmp_path / "x.db")
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.close()


if __name__ == "__main__":
    _, broker_url, here, task = sys.argv
    {"produce": produce, "consume": consume}[task](broker_url, Path(here, f"{task}.{os.getpid()}"))
