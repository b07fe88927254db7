"""Publishing many messages from one thread, confirms pipelined."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress

from amqp.exceptions import IrrecoverableChannelError

from ebats.pipelines.counting import counted
from ebats.pipelines.model import Broker
from ebats.pipelines.problems import EbatsError
from ebats.runner.broker.confirming import Confirming, Sending
from ebats.runner.broker.connect import BROKER_ERRORS, Say
from ebats.runner.broker.link import Link
from ebats.runner.broker.publish import WINDOW
from ebats.runner.execution.settle import Outgoing

#: A broker that confirms nothing for so long is taken for lost.
CONFIRM_TIMEOUT_S = 30.0
#: Written with one system call.
_AT_ONCE = 100
_PAUSE_S = 0.5
#: How long somebody who wants to leave waits for the confirms of what is on its way.
_LEAVE_S = 1.0


class PublishingRefused(EbatsError):
    """Raised when the broker refuses a message, or its exchange, for good."""


class Bulk:
    """Publishes messages and counts what becomes of them."""

    def __init__(self, broker: Broker, say: Say, stop: Callable[[], bool]) -> None:
        """Publish to a broker; once `stop` is true a connection that fails isn't tried again."""
        self._link = Link(broker, say)
        self._say = say
        self._stop = stop
        #: Messages that are in their queues.
        self.confirmed = 0
        #: Messages that no queue takes.
        self.unroutable = 0
        self._sent = 0

    @property
    def in_doubt(self) -> int:
        """How many were sent, and may be there or not."""
        return self._sent - self.confirmed - self.unroutable

    def publish(self, messages: Iterable[Outgoing | None]) -> bool:
        """Publish messages and wait until the fate of each is known; False: given up, because of `stop`.

        What comes one after another is written together; a None among the messages says that the next
        may be long in coming, so that the ones before don't wait for it.

        Where a connection is lost, what is unconfirmed is published again with the same ids. What
        the iterable raises comes out when the fate of all messages before it is known.

        Raises:
            PublishingRefused: the user may not, the exchange isn't there, a message is too large.
            KeyboardInterrupt: when `confirmed` counts what was confirmed within a second of it.
        """
        source = _Source(messages)
        sendings: deque[Sending] = deque()
        try:
            while (channel := self._link.open(self._stop)) is not None:
                confirming = None
                try:
                    confirming = Confirming(channel)
                    self._pour(confirming, sendings, source)
                    return source.end()
                except KeyboardInterrupt:
                    self._take_last_confirms(confirming)
                    raise
                except IrrecoverableChannelError as error:
                    raise PublishingRefused(f"the broker refuses: {error.reply_text}") from error
                except BROKER_ERRORS as error:
                    self._link.lost(error)
                if confirming:
                    sendings.extendleft(reversed([*confirming.refused, *confirming.unconfirmed.values()]))
                if self._stop():
                    break
                self._link.sleep(_PAUSE_S)
            return False
        finally:
            self._link.close()

    def _pour(self, confirming: Confirming, sendings: deque[Sending], source: "_Source") -> None:
        """Send what is left from the last connection, then what the source has."""
        while sendings or not source.ended:
            with self._link.corked():
                for _ in range(min(_AT_ONCE, WINDOW - len(confirming.unconfirmed))):
                    if not sendings and not self._fetch(sendings, source):
                        break
                    confirming.publish(sendings.popleft())
            self._link.drain()
            if len(confirming.unconfirmed) >= WINDOW:
                self._wait(confirming, WINDOW // 2)
        self._wait(confirming, 0)

    def _fetch(self, sendings: deque[Sending], source: "_Source") -> bool:
        outgoing = source.next()
        if outgoing is None:
            return False
        self._sent += 1
        sendings.append(Sending(outgoing, self._on_confirmed, self._on_unroutable))
        return True

    def _on_confirmed(self) -> None:
        self.confirmed += 1

    def _on_unroutable(self) -> None:
        self.unroutable += 1

    def _wait(self, confirming: Confirming, most: int) -> None:
        """Wait until at most so many are unconfirmed."""
        seen, seen_at = -1, 0.0
        while len(confirming.unconfirmed) > most or confirming.refused:
            if confirming.refused:
                self._send_again(confirming)
            self._link.wait(1.0)
            self._link.drain()
            if self.confirmed + self.unroutable != seen:
                seen, seen_at = self.confirmed + self.unroutable, time.monotonic()
            elif time.monotonic() - seen_at > CONFIRM_TIMEOUT_S:
                raise ConnectionError(f"the broker has confirmed nothing for {CONFIRM_TIMEOUT_S:.0f} s")

    def _take_last_confirms(self, confirming: Confirming | None) -> None:
        deadline = time.monotonic() + _LEAVE_S
        with suppress(Exception):  # the interrupt may have come amidst a frame
            while confirming and confirming.unconfirmed and time.monotonic() < deadline:
                self._link.drain()
                self._link.wait(0.05)

    def _send_again(self, confirming: Confirming) -> None:
        refused, confirming.refused = confirming.refused, []
        self._say("warning", f"the broker refused {counted(len(refused), 'message')}; sending again")
        self._link.sleep(_PAUSE_S)
        for sending in refused:
            confirming.publish(sending)


class _Source:
    """Messages one by one, keeping what their iterator raises: it may look like an error of the broker."""

    def __init__(self, messages: Iterable[Outgoing | None]) -> None:
        self._messages = iter(messages)
        self._error: Exception | None = None
        #: There are no more.
        self.ended = False

    def next(self) -> Outgoing | None:
        """Return the next message; None: there is none, now or at all."""
        try:
            return next(self._messages)
        except StopIteration:
            self.ended = True
        except Exception as error:
            self.ended, self._error = True, error
        return None

    def end(self) -> bool:
        """Raise what the iterator raised."""
        if self._error:
            raise self._error
        return True
