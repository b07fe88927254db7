"""Queues for one message each, made and deleted on a thread and a connection of their own."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import msgspec
from amqp.exceptions import AccessRefused, IrrecoverableChannelError
from kombu.connection import Connection

from ebats.pipelines.model import Broker
from ebats.pipelines.topology import Arguments
from ebats.runner.broker.confirming import Confirming, Sending
from ebats.runner.broker.connect import BROKER_ERRORS, Say
from ebats.runner.broker.link import Link
from ebats.runner.broker.lock import one_channel
from ebats.runner.execution.settle import Outgoing

#: A broker that confirms nothing for so long is taken for lost.
_CONFIRM_S = 30.0
_PAUSE_S = 0.5
#: The other nodes of a cluster may take so long to forget a queue that was deleted.
_REST_S = 30.0


class Filling(msgspec.Struct, eq=False):
    """A queue to be made, and the message for it, which names the queue as its key."""

    queue: str
    arguments: Arguments
    message: Outgoing
    #: Told, on the thread of the queues, whether the message is there. If not, nobody tries again.
    on_done: Callable[[bool], None]


class LeaseQueues:
    """Makes lease queues and deletes them, one after the other; the first one opens the connection."""

    def __init__(self, broker: Broker, say: Say, on_loose: Callable[[str, bool], None]) -> None:
        """Work on a broker; `say` is told how the connection is, and what the broker refuses.

        `on_loose` is told of each queue that may be there and that no message depends on, before it is made,
        when it is to be deleted; and when that isn't so any more: where this process dies in between,
        somebody else has to delete it.
        """
        self._link = Link(broker, lambda level, text: say(level, f"leases: {text}"))
        self._say = say
        self._on_loose = on_loose
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._to_do: deque[Filling | str] = deque()
        #: Names that may be used again, and since when (monotonic time).
        self._spare: deque[tuple[str, float]] = deque()
        self._refused: set[str] = set()
        self._closing = False
        self._given_up = False
        #: What ended the thread, though nobody asked it to end.
        self.failure: BaseException | None = None

    def fill(self, filling: Filling) -> None:
        """Make a queue and put its message there. Any thread may call it."""
        self._do(filling)

    def delete(self, queue: str) -> None:
        """Delete a queue, and what is in it: it goes nowhere. It is tried until it is done."""
        self._on_loose(queue, True)
        self._do(queue)

    def spare(self) -> str | None:
        """Return the name of a queue that was deleted together with its message: nothing comes back from it.

        RabbitMQ keeps the name of each quorum queue that it ever had until it is restarted, and dies at
        five million of them (Erlang's atoms, https://www.erlang.org/doc/system/memory.html).
        """
        if self._spare and time.monotonic() - self._spare[0][1] >= _REST_S:
            return self._spare.popleft()[0]
        return None

    def close(self, timeout_s: float) -> bool:
        """Fill none any more, wait until those to be deleted are, and close; return whether in time."""
        self._closing = True
        if self._thread is None:
            return True
        self._link.wake()
        self._thread.join(timeout_s)
        self._given_up = True
        self._link.wake()
        return not self._thread.is_alive()

    def _do(self, what: Filling | str) -> None:
        with self._lock:
            self._to_do.append(what)
            if self._thread is None:
                self._thread = threading.Thread(target=self._guarded, name="leases", daemon=True)
                self._thread.start()
        self._link.wake()

    def _guarded(self) -> None:
        try:
            self._run()
        except BaseException as error:
            self.failure = error

    def _run(self) -> None:
        while not self._is_over():
            try:
                channel = self._link.open(self._is_over)
                if channel is None:
                    break
                self._serve(channel, Confirming(channel))
            except AccessRefused as error:
                # The broker has closed the channel, and only that: what it refused isn't asked for again.
                self._say_refusal(self._to_do[0] if self._to_do else "", error)
                self._give_up_first(also_deleting=True)
                self._link.close()
            except BROKER_ERRORS as error:
                self._link.lost(error)
                self._give_up_first()
                # A broker that has just started can't delete a queue whose leader isn't there yet.
                self._to_do.rotate(-1)
                self._link.sleep(_PAUSE_S)
        self._link.close()

    def _is_over(self) -> bool:
        return self._given_up or (
            self._closing and not any(isinstance(each, str) for each in tuple(self._to_do))
        )

    def _serve(self, channel: Any, confirming: Confirming) -> None:
        while not self._is_over():
            while self._to_do and not self._given_up:
                what = self._to_do[0]
                if isinstance(what, str):
                    left = channel.queue_delete(what)
                    self._to_do.popleft()
                    self._on_loose(what, False)
                    if left == 1:
                        self._spare.append((what, time.monotonic()))
                elif self._closing:
                    self._give_up_first()
                else:
                    self._fill(channel, confirming, what)
                    self._to_do.popleft()
                    # Before the delivery is acknowledged that the copy takes the place of.
                    self._on_loose(what.queue, False)
                    what.on_done(True)
            self._link.drain()
            if not self._is_over() and not self._to_do:
                self._link.wait(1.0)
                self._link.drain()

    def _fill(self, channel: Any, confirming: Confirming, filling: Filling) -> None:
        """Make one queue and fill it.

        Raises:
            BROKER_ERRORS: that failed.
        """
        self._on_loose(filling.queue, True)
        channel.queue_declare(
            filling.queue, durable=True, auto_delete=False, arguments=dict(filling.arguments)
        )
        fates: list[bool] = []
        confirming.publish(
            Sending(filling.message, partial(fates.append, True), partial(fates.append, False))
        )
        deadline = time.monotonic() + _CONFIRM_S
        while not fates and not confirming.refused:
            if time.monotonic() > deadline:
                raise ConnectionError(f"the broker has confirmed nothing for {_CONFIRM_S:.0f} s")
            self._link.wait(1.0)
            self._link.drain()
        if fates != [True]:
            raise ConnectionError(f"the broker takes no message into {filling.queue}")

    def _give_up_first(self, *, also_deleting: bool = False) -> None:
        """Give up what was tried last, if it was to be filled: the broker may have done a part of it."""
        if self._to_do and (also_deleting or isinstance(self._to_do[0], Filling)):
            what = self._to_do.popleft()
            if isinstance(what, Filling):
                what.on_done(False)
            else:
                self._on_loose(what, False)

    def _say_refusal(self, what: Filling | str, error: AccessRefused) -> None:
        act = "deleted" if isinstance(what, str) else "made"
        text = f"a lease queue can't be {act}: {error.reply_text}"
        if act not in self._refused:
            self._refused.add(act)
            hint = "until it can be, the message of a task of hours may run twice" if act == "made" else ""
            self._say("error" if act == "made" else "warning", f"{text}; {hint}" if hint else text)


def delete_left(connection: Connection, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Delete lease queues of processes that have died; yield those that are gone, or may not be deleted.

    Each comes with the broker's refusal, or an empty text. The others are worth another try.

    Raises:
        BROKER_ERRORS: the connection is lost.
    """
    for name in names:
        try:
            with one_channel(connection) as channel:
                channel.queue_delete(name)
        except AccessRefused as error:
            yield name, error.reply_text
        except IrrecoverableChannelError:  # its leader isn't there yet
            continue
        else:
            yield name, ""
