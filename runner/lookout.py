"""Looks now and then for what nobody else looks for: suspects of a runner that was killed, and left queues.

Into a queue that left the file a runner that still goes by the old one may hand its messages back. And a
process that was killed leaves the lease queue behind that it was about to fill, or to delete.
"""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from typing import Any

from ebats.pipelines.former import NEVER_CHANGED, Former
from ebats.pipelines.model import Pipeline
from ebats.pipelines.routes import Routes
from ebats.runner.broker.change import empty
from ebats.runner.broker.connect import BROKER_ERRORS, Say, open_connection
from ebats.runner.broker.inspect import counts
from ebats.runner.broker.lease_queues import delete_left
from ebats.runner.broker.move import MoveFailed

#: At first soon: what a killed runner held is free within seconds.
_FIRST_S = 3.0
_EVERY_S = 20.0
#: What a process asked for as it was killed the broker may read later: a queue that was deleted is made then.
_LATE_S = 30.0


class Lookout:
    """A thread that counts the suspects, and empties or deletes left queues.

    It has a connection only while it looks.
    """

    def __init__(self, pipeline: Pipeline, on_suspects: Callable[[], None], say: Say) -> None:
        """Call `on_suspects`, on this thread, whenever there are some."""
        self._pipeline = pipeline
        self._on_suspects = on_suspects
        self._say = say
        self._former = NEVER_CHANGED
        #: Lease queues of processes that have ended, and since when (monotonic time).
        self._leases: dict[str, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)

    def start(self, former: Former) -> None:
        """Begin to look, also for messages in what left the file."""
        self._former = former
        self._thread.start()

    def inherit(self, leases: Iterable[str]) -> None:
        """Delete lease queues that a process has left when it died. Any thread may call it."""
        now = time.monotonic()
        for name in leases:
            self._leases[name] = now

    def stop(self) -> None:
        """Look no more; doesn't wait for the thread."""
        self._over.set()

    def finish(self) -> None:
        """Delete what is left, as the last thing of a run, and say what couldn't be."""
        if not self._leases:
            return
        left = set(self._leases)
        with suppress(*BROKER_ERRORS), closing(self._connect()) as connection:
            left -= self._delete_leases(connection)
        if left:
            self._say("warning", f"left on the broker, where nobody needs it: {', '.join(sorted(left))}")

    def _run(self) -> None:
        pause_s = _FIRST_S
        while not self._over.wait(pause_s):
            # While the broker is away others say so.
            with suppress(*BROKER_ERRORS):
                self._look()
            pause_s = _EVERY_S

    def _look(self) -> None:
        suspects = self._pipeline.queue_on_broker("suspects")
        connection = self._connect()
        try:
            self._delete_leases(connection)
            if counts(connection, [suspects])[suspects]:
                self._on_suspects()
            if self._former.queues:
                routes = Routes(self._pipeline, self._former)
                empty(connection, self._pipeline, routes, self._former, self._say)
        except MoveFailed as error:
            self._say("error", str(error))
        finally:
            connection.close()

    def _connect(self) -> Any:
        return open_connection(self._pipeline.broker, self._pipeline.broker.urls[0])

    def _delete_leases(self, connection: Any) -> set[str]:
        """Delete what processes have left; return what has been dealt with."""
        late, done = time.monotonic() - _LATE_S, set()
        since = dict(self._leases)
        for name, refusal in delete_left(connection, since):
            done.add(name)
            if refusal:
                self._say("warning", f"a lease queue can't be deleted: {refusal}")
            if refusal or since[name] < late:
                self._leases.pop(name, None)
        return done
