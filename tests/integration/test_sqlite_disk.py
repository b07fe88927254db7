"""The embedded broker on a disk that fills up."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from amqp.exceptions import ResourceError

import ebats  # noqa: F401  (makes sqlite:/// known to kombu)
from tests.disks import small_disk, stuff
from tests.integration.wire import Wire, confirms_of
from tests.waiting import wait_until

BODY = b"x" * 2000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 MB of its own."""
    with small_disk(tmp_path / "disk") as disk:
        yield disk


def free(disk: Path) -> int:
    state = os.statvfs(disk)
    return state.f_bavail * state.f_frsize


def publish_until_refused(url: str) -> int:
    """Publish in confirmed batches; give how many were confirmed before the first error."""
    wire = Wire(url)
    confirmed = confirms_of(wire.channel)

    def publish_for_ever() -> None:
        for _ in range(1000):
            for _ in range(100):
                wire.publish(BODY, "", "q")
            wire.drain(5)

    try:
        with pytest.raises(ResourceError, match=r"no room on the disk of .*x\.db: \d+ MiB are free"):
            publish_for_ever()
    finally:
        wire.close()
    return len(confirmed)


def test_publishers_are_refused_first_and_all_can_be_worked_off_on_a_full_disk(disk: Path) -> None:
    url = f"sqlite:///{disk}/x.db"
    setup = Wire(url)
    setup.fanout_to_queue("dead", {})
    setup.queue("q", {"x-queue-type": "quorum", "x-dead-letter-exchange": "dead"})
    confirmed = publish_until_refused(url)
    assert confirmed > 1000
    junk = stuff(disk)
    assert free(disk) == 0

    worker = Wire(url)
    handled: list[int] = []

    def handle(message: Any) -> None:
        handled.append(message.delivery_tag)
        if len(handled) % 100 == 0:
            worker.channel.basic_reject(message.delivery_tag, requeue=False)
        else:
            worker.channel.basic_ack(message.delivery_tag)

    worker.channel.basic_qos(0, 200, False)
    worker.channel.basic_consume("q", callback=handle)
    worker.drain_until(lambda: len(handled) >= confirmed, "every confirmed message", 60)
    worker.drain(0.5)
    assert len(handled) == confirmed
    assert (setup.ready("q"), setup.ready("dead")) == (0, confirmed // 100)

    junk.unlink()
    setup.send("q", "room again")
    wait_until(lambda: worker.drain(0.1) or len(handled) > confirmed)
    worker.close()
    setup.close()


def test_a_process_that_consumes_may_publish_where_others_are_refused(disk: Path) -> None:
    url = f"sqlite:///{disk}/x.db"
    worker = Wire(url)
    worker.queue("q")
    worker.queue("other")
    publish_until_refused(url)
    worker.consume("other")
    worker.send("other", "a retry")
    assert [message.body for message in worker.receive(1)] == [b"a retry"]
    worker.close()
