"""Looks now and then for suspects that nobody called the lane for: those of a runner that was killed."""

import threading
from collections.abc import Callable
from contextlib import suppress

from ebats.pipelines.model import Pipeline
from ebats.runner.broker.connect import BROKER_ERRORS, open_connection
from ebats.runner.broker.inspect import counts

#: At first soon: what a killed runner held is free within seconds.
_FIRST_S = 3.0
_EVERY_S = 20.0


class Lookout:
    """A thread that counts the suspects; it has a connection only while it looks."""

    def __init__(self, pipeline: Pipeline, on_suspects: Callable[[], None]) -> None:
        """Call `on_suspects`, on this thread, whenever there are some."""
        self._pipeline = pipeline
        self._on_suspects = on_suspects
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; doesn't wait for the thread."""
        self._over.set()

    def _run(self) -> None:
        pause_s = _FIRST_S
        while not self._over.wait(pause_s):
            # While the broker is away others say so.
            with suppress(*BROKER_ERRORS):
                self._look()
            pause_s = _EVERY_S

    def _look(self) -> None:
        suspects = self._pipeline.queue_on_broker("suspects")
        connection = open_connection(self._pipeline.broker, self._pipeline.broker.urls[0])
        try:
            if counts(connection, [suspects])[suspects]:
                self._on_suspects()
        finally:
            connection.close()
