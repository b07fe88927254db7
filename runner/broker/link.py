"""One connection with one channel, used by one thread, that other threads can wake."""

import os
import select
import socket
import time
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

from kombu.connection import Connection

from ebats.pipelines.model import Broker
from ebats.runner.broker.connect import (
    BROKER_ERRORS,
    Say,
    check_lasting,
    connect,
    say_blocked,
    say_unblocked,
)
from ebats.runner.broker.deliveries import Deliveries
from ebats.runner.broker.frames import Frames
from ebats.runner.broker.sqlite.errors import NoRoom
from ebats.runner.broker.why_lost import why_lost

_HEARTBEAT_CHECK_S = 1.0

_links: "weakref.WeakSet[Link]" = weakref.WeakSet()


class Link:
    """A connection to the broker that is opened anew when it is lost."""

    def __init__(self, broker: Broker, say: Say, say_alarm: Say | None = None) -> None:
        self._broker = broker
        self._say = say
        self._say_alarm = say_alarm or say
        self._connection: Connection | None = None
        self._frames: Frames | None = None
        #: The embedded broker's own connection.
        self._embedded: Any = None
        self._lost_at: float | None = None
        #: What the embedded broker is in trouble with was said.
        self._told_trouble = False
        self._checked_at = 0.0
        self._wake_out, self._wake_in = os.pipe()
        os.set_blocking(self._wake_out, False)
        os.set_blocking(self._wake_in, False)
        # Not before nobody can wake it any more: its numbers would be another file's.
        weakref.finalize(self, _close_pipe, self._wake_out, self._wake_in).atexit = False
        #: The thread waits: whoever has something for it should wake it.
        self.asleep = False
        #: The broker takes no messages for now: because of an alarm, the embedded one for want of room.
        self.blocked = False
        _links.add(self)

    def open(self, stop: Callable[[], bool]) -> Any | None:
        """Return a new channel, once the broker answers; None: `stop` became true meanwhile."""
        self._connection = connect(self._broker, self._say, stop, self._say_alarm)
        if self._connection is None:
            return None
        if self._lost_at is not None:
            self._say(
                "info", f"connected to the broker again, after {time.monotonic() - self._lost_at:.1f} s"
            )
            self._lost_at = None
        raw = self._connection.connection
        self._embedded = raw if hasattr(raw, "next_event_s") else None
        self._watch_alarms(raw)
        # The embedded broker has none.
        self._frames = (
            frames if hasattr(raw, "on_inbound_frame") and (frames := Frames(raw)).is_fast else None
        )
        channel = self._connection.channel()
        # The body is the publisher's: py-amqp would decode it where it has a content_encoding.
        channel.auto_decode = False
        return channel

    def _watch_alarms(self, raw: Any) -> None:
        if self._embedded:
            self._look_for_room()
            return
        self.blocked = False
        told_blocked, told_unblocked = raw.on_blocked, raw.on_unblocked

        def on_blocked(reason: str) -> None:
            self.blocked = True
            told_blocked(reason)

        def on_unblocked() -> None:
            self.blocked = False
            told_unblocked()

        raw.on_blocked, raw.on_unblocked = on_blocked, on_unblocked

    def _look_for_room(self) -> None:
        """See whether the embedded broker, which refused a message for want of room, has it now."""
        if self.blocked and self._embedded.store.has_room():
            self.blocked = False
            say_unblocked(self._say_alarm)

    @property
    def deliveries(self) -> Deliveries | None:
        """Who reads deliveries faster than py-amqp; None where the connection is none of its own."""
        return self._frames.deliveries if self._frames else None

    def another_channel(self) -> Any:
        """Return one more channel on the open connection: for calls that may fail, and so close it."""
        assert self._connection is not None
        return self._connection.channel()

    def lost(self, error: BaseException) -> None:
        """Close what is left of a connection that failed, and say so.

        Raises:
            BrokerUnusable: the embedded broker's file is damaged: no other connection would do better.
        """
        if isinstance(error, NoRoom):
            # The connection is as good as before, but for what was to be stored.
            if not self.blocked:
                self.blocked = True
                say_blocked(self._say_alarm, why_lost(error).removeprefix("RESOURCE_ERROR - "))
        elif self._lost_at is None:
            self._lost_at = time.monotonic()
            self._say("warning", f"the connection to the broker was lost: {why_lost(error)}")
        self._abandon()
        self.close()
        check_lasting(self._broker, error)

    def _abandon(self) -> None:
        """Keep the embedded broker from storing at its close what will be published again."""
        raw, self._embedded = self._embedded, None
        if raw:
            with suppress(*BROKER_ERRORS):
                raw.collect()

    def close(self) -> None:
        """Close the connection, whatever its state."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with suppress(*BROKER_ERRORS):  # it was broken: that is why it is closed
            connection.close()

    def forget(self) -> None:
        """Let go of a connection that is another process's, in the child that it was copied into by a fork.

        The copy of the socket is closed without a word: neither end may notice. The embedded
        broker sees to its own copies.
        """
        connection, self._connection = self._connection, None
        self._frames = self._embedded = None
        # Not kombu's property `connection`, which would connect anew.
        raw = connection._connection if connection else None
        transport = getattr(raw, "transport", None)
        sock = getattr(transport, "sock", None)
        if sock is not None:
            with suppress(OSError):
                os.close(sock.detach())

    def wake(self) -> None:
        """Let the thread that waits go on; any thread may call it."""
        with suppress(BlockingIOError):  # it has been woken many times already
            os.write(self._wake_in, b".")

    def wake_once(self) -> None:
        """Wake the thread that sleeps: whoever comes before it has awoken needs no wake-up of its own.

        Each is a system call, which lets go of the interpreter.
        """
        # Before the wake: who sleeps again meanwhile is woken once too often.
        self.asleep = False
        self.wake()

    def wait(self, timeout_s: float) -> None:
        """Sleep until the broker has something, somebody wakes the thread, or the time is over."""
        assert self._connection is not None
        raw = self._connection.connection
        # The embedded broker has appointments of its own: rungs that are due, for instance.
        if next_event_s := getattr(raw, "next_event_s", None):
            timeout_s = min(timeout_s, next_event_s())
        readable, _, _ = select.select([raw.sock, self._wake_out], [], [], max(0.0, timeout_s))
        if self._wake_out in readable:
            self.drain_wakes()

    def drain_wakes(self) -> None:
        """Forget the wake-ups so far."""
        try:
            while len(os.read(self._wake_out, 4096)) == 4096:
                pass
        except BlockingIOError:
            pass

    def sleep(self, timeout_s: float) -> None:
        """Sleep until somebody wakes the thread, or the time is over; needs no connection."""
        select.select([self._wake_out], [], [], timeout_s)
        self.drain_wakes()

    def drain(self, most: int = 100) -> None:
        """Take what the broker has sent, without waiting: callbacks are called from here.

        `most` says how many times to look for more.

        Raises:
            BROKER_ERRORS: the connection is lost, or the broker has closed the channel.
        """
        assert self._connection is not None
        if self._frames:
            while most and self._frames.read():
                most -= 1
        else:
            self._drain_events(self._connection, most)
        self._check_heartbeat()

    def _drain_events(self, connection: Connection, most: int) -> None:
        with suppress(socket.timeout):
            for _ in range(most):
                connection.drain_events(timeout=0)

    def write_down(self) -> None:
        """Let the broker have what was acknowledged: the embedded one collects it for a moment."""
        if self._embedded:
            self._embedded.settle_now()

    def corked(self) -> AbstractContextManager[None]:
        """Collect what is written inside, and write it at once. Nothing inside may wait for an answer."""
        return self._frames.corked() if self._frames else nullcontext()

    def _check_heartbeat(self) -> None:
        assert self._connection is not None
        now = time.monotonic()
        if now - self._checked_at >= _HEARTBEAT_CHECK_S:
            self._checked_at = now
            if self._embedded:
                self._tell_trouble(self._embedded.store.log.trouble)
                self._look_for_room()
            if self._connection.get_heartbeat_interval():
                self._connection.heartbeat_check()

    def _tell_trouble(self, trouble: str | None) -> None:
        """Say what the embedded broker is in trouble with, once, and when it is over."""
        if bool(trouble) == self._told_trouble:
            return
        self._told_trouble = bool(trouble)
        level, text = ("warning", trouble) if trouble else ("info", "the embedded broker's log was emptied")
        self._say(level, text)


def _close_pipe(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _forget_all() -> None:
    for link in list(_links):
        link.forget()


os.register_at_fork(after_in_child=_forget_all)
