"""A channel in confirm mode: messages that are on their way, and which of them the broker has."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import msgspec
from amqp import Message

from ebats.runner.broker.connect import BROKER_ERRORS
from ebats.runner.execution.settle import Outgoing


class Sending(msgspec.Struct, eq=False):
    """A message on its way, and what follows when it is there."""

    outgoing: Outgoing
    #: Called when the broker has the message.
    on_confirmed: Callable[[], None]
    #: Called when no queue takes it; nobody else will call back.
    on_unroutable: Callable[[], None]
    #: Called when the broker refuses it for good, with the error; None: that is as if no queue took it.
    on_refused: Callable[[BaseException], None] | None = None
    #: Nobody waits for it any more: it isn't sent, or sent again.
    withdrawn: bool = False
    #: It went out once, at least in part: the broker may have it, whatever became of the connection.
    sent: bool = False
    #: The one behind it belongs to it: where the broker can, both are there or neither is.
    more: bool = False

    def refuse(self, error: BaseException) -> None:
        """Tell that the message can't be published."""
        if self.on_refused:
            self.on_refused(error)
        else:
            self.on_unroutable()


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
        self.unconfirmed[self._tag], sending.sent = sending, True
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

    def together(self) -> AbstractContextManager[None]:
        """Let the embedded broker store in one transaction what is published inside."""
        hold: Callable[[], AbstractContextManager[None]] | None = getattr(self._channel, "hold", None)
        return hold() if hold else nullcontext()

    def _on_ack(self, tag: int, multiple: bool) -> None:
        for sending in self._take(tag, multiple):
            if self._was_returned(sending):
                sending.on_unroutable()
            else:
                sending.on_confirmed()

    def _on_nack(self, tag: int, multiple: bool) -> None:
        for sending in self._take(tag, multiple):
            self._was_returned(sending)
            sending.outgoing.refused = True
            if sending.outgoing.optional:  # somebody else's queue is full: that holds up nobody here
                sending.on_unroutable()
            else:
                self.refused.append(sending)

    def _on_return(self, _error: Exception, exchange: str, key: str, message: Any) -> None:
        # It comes before the ack of the same message.
        self._returned[(message.properties.get("message_id", ""), exchange, key)] += 1

    def _was_returned(self, sending: Sending) -> bool:
        """Return whether a return has come for a message; it counts once."""
        if not self._returned or not self._returned[key := sending.outgoing.identity]:
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
