"""What the embedded broker has stored isn't published a second time because something else failed."""

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ebats.pipelines.model import Broker
from ebats.runner.broker.publish import Publisher
from ebats.runner.broker.sqlite import errors
from ebats.runner.broker.sqlite.pump import Pump
from ebats.runner.execution.settle import Outgoing
from tests.integration.wire import Wire
from tests.waiting import wait_until

COUNT = 50


def fail_once(pump_method: Callable[..., None], when: Callable[[], bool]) -> Callable[..., None]:
    """Return a method that raises once, when it is time to, what SQLite raises beside a backup."""
    failed = threading.Event()

    def method(self: Pump, *args: object) -> None:
        if when() and not failed.is_set():
            failed.set()
            raise errors.unavailable("broker.db can't be written now: database is locked (SQLITE_BUSY)")
        pump_method(self, *args)

    return method


@pytest.mark.parametrize("method", ["announce", "_listen"])
def test_an_error_beside_a_stored_batch_does_not_store_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    url = f"sqlite:///{tmp_path}/broker.db"
    confirmed: list[int] = []
    said: list[str] = []
    is_time = threading.Event()
    monkeypatch.setattr(Pump, method, fail_once(getattr(Pump, method), is_time.is_set))
    with closing(Wire(url)) as wire:
        wire.queue("q")
        publisher = Publisher(Broker(urls=(url,)), lambda _level, text: said.append(text))
        publisher.start()
        is_time.set()
        for number in range(COUNT):
            outgoing = Outgoing("", "q", b"%d" % number, {}, {"message_id": str(number)})
            publisher.send(outgoing, lambda number=number: confirmed.append(number), lambda: None)  # type: ignore[misc]
        wait_until(lambda: len(confirmed) == COUNT, 20, lambda: f"{len(confirmed)} confirmed: {said}")
        assert publisher.close(10)
        assert any("lost" in text for text in said)
        count = wire.channel.queue_declare("q", passive=True).message_count
    assert count == COUNT
