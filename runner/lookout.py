"""Looks now and then for what nobody else looks for: suspects of a runner that was killed, and left queues.

Into a queue that left the file a runner that still goes by the old one may hand its messages back.
"""

import threading
from collections.abc import Callable
from contextlib import suppress

from ebats.pipelines.former import NEVER_CHANGED, Former
from ebats.pipelines.model import Pipeline
from ebats.pipelines.routes import Routes
from ebats.runner.broker.change import empty
from ebats.runner.broker.connect import BROKER_ERRORS, Say, open_connection
from ebats.runner.broker.inspect import counts
from ebats.runner.broker.move import MoveFailed

#: At first soon: what a killed runner held is free within seconds.
_FIRST_S = 3.0
_EVERY_S = 20.0


class Lookout:
    """A thread that counts the suspects and empties left queues; it has a connection only while it looks."""

    def __init__(self, pipeline: Pipeline, on_suspects: Callable[[], None], say: Say) -> None:
        """Call `on_suspects`, on this thread, whenever there are some."""
        self._pipeline = pipeline
        self._on_suspects = on_suspects
        self._say = say
        self._former = NEVER_CHANGED
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)

    def start(self, former: Former) -> None:
        """Begin to look, also for messages in what left the file."""
        self._former = former
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
            if self._former.queues:
                routes = Routes(self._pipeline, self._former)
                empty(connection, self._pipeline, routes, self._former, self._say)
        except MoveFailed as error:
            self._say("error", str(error))
        finally:
            connection.close()
