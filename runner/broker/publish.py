"""Publishing with pipelined confirms: what was sent is kept until the broker has it."""

import threading
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import msgspec
from amqp import Message
from amqp.exceptions import NotFound

from ebats.pipelines.counting import counted
from ebats.pipelines.model import Broker
from ebats.runner.broker.connect import BROKER_ERRORS, Say
from ebats.runner.broker.link import Link
from ebats.runner.execution.settle import Outgoing

#: Messages on their way at once: enough to hide the round trip.
WINDOW = 500
_PAUSE_S = 0.5


class Sending(msgspec.Struct):
    """A message on its way, and what follows when it is there."""

    outgoing: Outgoing
    #: Called when the broker has the message.
    on_confirmed: Callable[[], None]
    #: Called when no queue takes it; nobody else will call back.
    on_unroutable: Callable[[], None]


class Confirming:
    """A channel in confirm mode: which of its messages the broker has.

    A confirm counts for its own tag only, and tags begin anew on each channel: after any error
    the channel is given up, and what is unconfirmed goes out again with the same message ids
    (https://www.rabbitmq.com/docs/confirms#publisher-confirms).
    """

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._tag = 0
        self._returned: Counter[tuple[str, str, str]] = Counter()
        #: By delivery tag, oldest first.
        self.unconfirmed: dict[int, Sending] = {}
        #: Refused by the broker: they have to be sent again.
        self.refused: list[Sending] = []
        channel.confirm_select()
        channel.events["basic_ack"].add(self._on_ack)
        channel.events["basic_nack"].add(self._on_nack)
        channel.events["basic_return"].add(self._on_return)

    def publish(self, sending: Sending) -> None:
        """Send a message, persistent and mandatory."""
        outgoing = sending.outgoing
        # kombu's prepare_message takes some properties by other names, and is slower.
        message = Message(outgoing.body, application_headers=outgoing.headers, **outgoing.properties)
        # Before the call: the confirm may be read inside of it.
        self._tag += 1
        self.unconfirmed[self._tag] = sending
        try:
            self._channel.basic_publish(
                message, exchange=outgoing.exchange, routing_key=outgoing.key, mandatory=True
            )
        except BROKER_ERRORS:
            raise
        except Exception:  # it can't be put into AMQP's bytes: nothing was sent, and no tag is used up
            del self.unconfirmed[self._tag]
            self._tag -= 1
            raise

    def _on_ack(self, tag: int, multiple: bool) -> None:
        for sending in self._take(tag, multiple):
            if self._was_returned(sending):
                sending.on_unroutable()
            else:
                sending.on_confirmed()

    def _on_nack(self, tag: int, multiple: bool) -> None:
        for sending in self._take(tag, multiple):
            self._was_returned(sending)
            self.refused.append(sending)

    def _on_return(self, _error: Exception, exchange: str, key: str, message: Any) -> None:
        # It comes before the ack of the same message.
        self._returned[(message.properties.get("message_id", ""), exchange, key)] += 1

    def _was_returned(self, sending: Sending) -> bool:
        """Return whether a return has come for a message; it counts once."""
        if not self._returned or not self._returned[key := _identity(sending.outgoing)]:
            return False
        self._returned[key] -= 1
        return True

    def _take(self, tag: int, multiple: bool) -> list[Sending]:
        if not multiple:
            return [self.unconfirmed.pop(tag)] if tag in self.unconfirmed else []
        tags = []
        for open_tag in self.unconfirmed:
            if open_tag > tag:
                break
            tags.append(open_tag)
        return [self.unconfirmed.pop(open_tag) for open_tag in tags]


def _identity(outgoing: Outgoing) -> tuple[str, str, str]:
    return (outgoing.properties.get("message_id", ""), outgoing.exchange, outgoing.key)


class Publisher:
    """Publishes what other threads give it, on a thread and a connection of its own."""

    def __init__(self, broker: Broker, say: Say, say_link: Say | None = None) -> None:
        """Publish to a broker; `say_link` is told how the connection is, where `say` isn't to be."""
        self._link = Link(broker, say_link or say)
        self._say = say
        self._waiting: deque[Sending] = deque()
        self._confirming: Confirming | None = None
        self._closing = False
        self._given_up = False
        #: What ended the thread, though nobody asked it to end.
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._guarded, name="publisher", daemon=True)

    def start(self) -> None:
        """Start the thread; the connection is opened at once."""
        self._thread.start()

    def send(
        self, outgoing: Outgoing, on_confirmed: Callable[[], None], on_unroutable: Callable[[], None]
    ) -> None:
        """Publish a message. One of the two is called, on this publisher's thread, when its fate is known."""
        self._waiting.append(Sending(outgoing, on_confirmed, on_unroutable))
        if self._link.asleep:
            self._link.wake()

    def close(self, timeout_s: float) -> bool:
        """Wait until all is confirmed, at most so long, and close; return whether all was."""
        self._closing = True
        self._link.wake()
        self._thread.join(timeout_s)
        self._given_up = True
        self._link.wake()
        return not self._thread.is_alive()

    def _guarded(self) -> None:
        try:
            self._run()
        except BaseException as error:
            self.failure = error

    def _run(self) -> None:
        while not self._finished():
            try:
                channel = self._link.open(self._finished)
                if channel is None:
                    break
                self._confirming = Confirming(channel)
                self._serve(self._confirming)
            except BROKER_ERRORS as error:
                self._link.lost(error)
                self._send_again(_but_for_missing(error, self._unconfirmed()))
                self._confirming = None
                self._link.sleep(_PAUSE_S)
        self._link.close()

    def _finished(self) -> bool:
        return self._given_up or (self._closing and not self._waiting and not self._unconfirmed())

    def _unconfirmed(self) -> list[Sending]:
        if self._confirming is None:
            return []
        return [*self._confirming.refused, *self._confirming.unconfirmed.values()]

    def _serve(self, confirming: Confirming) -> None:
        while not self._finished():
            with self._link.corked():
                while self._waiting and len(confirming.unconfirmed) < WINDOW:
                    self._publish(confirming, self._waiting.popleft())
            # First say that we sleep, then look: who comes in between wakes us.
            self._link.asleep = True
            if not self._finished() and (confirming.unconfirmed or not self._waiting):
                self._link.wait(1.0)
            self._link.asleep = False
            self._link.drain()
            if confirming.refused:
                refused = counted(len(confirming.refused), "message")
                self._say("warning", f"the broker refused {refused}; sending again")
                self._send_again(confirming.refused)
                confirming.refused = []
                self._link.sleep(_PAUSE_S)

    def _publish(self, confirming: Confirming, sending: Sending) -> None:
        try:
            confirming.publish(sending)
        except BROKER_ERRORS:
            raise
        except Exception as error:  # the others go on
            self._say("error", f"a message can't be sent: {type(error).__name__}: {error}")
            sending.on_unroutable()

    def _send_again(self, sendings: list[Sending]) -> None:
        """Put messages in front of what waits, in their order."""
        self._waiting.extendleft(reversed(sendings))


def _but_for_missing(error: BaseException, sendings: list[Sending]) -> list[Sending]:
    """Return the messages without those whose exchange isn't there, which would end each channel anew."""
    if not isinstance(error, NotFound):
        return sendings
    others = []
    for sending in sendings:
        if f"'{sending.outgoing.exchange}'" in str(error):
            sending.on_unroutable()
        else:
            others.append(sending)
    return others
