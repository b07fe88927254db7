"""Publishing with pipelined confirms: what was sent is kept until the broker has it."""

import threading
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
from amqp import Message
from amqp.exceptions import IrrecoverableChannelError

from ebats.pipelines.counting import counted
from ebats.pipelines.model import Broker
from ebats.runner.broker.connect import BROKER_ERRORS, Say
from ebats.runner.broker.link import Link
from ebats.runner.broker.refusals import is_named
from ebats.runner.broker.rights import lacking
from ebats.runner.execution.seldom import Seldom
from ebats.runner.execution.settle import Outgoing

#: Messages on their way at once: enough to hide the round trip.
WINDOW = 500
_PAUSE_S = 0.5


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


class Publisher:
    """Publishes what other threads give it, on a thread and a connection of its own."""

    def __init__(self, broker: Broker, say: Say, say_link: Say | None = None) -> None:
        """Publish to a broker; `say_link` is told how the connection is, where `say` isn't to be."""
        self._link = Link(broker, say_link or say)
        self._say = say
        self._waiting: deque[Sending] = deque()
        self._confirming: Confirming | None = None
        #: So many go out one by one: one of them made the broker close the channel.
        self._singly = 0
        self._seldom = Seldom()
        self._closing = False
        self._given_up = False
        #: What ended the thread, though nobody asked it to end.
        self.failure: BaseException | None = None
        #: The thread has ended, or is about to: nothing is sent any more.
        self.ended = False
        self._thread = threading.Thread(target=self._guarded, name="publisher", daemon=True)

    def start(self) -> None:
        """Start the thread; the connection is opened at once."""
        self._thread.start()

    def send(
        self, outgoing: Outgoing, on_confirmed: Callable[[], None], on_unroutable: Callable[[], None]
    ) -> None:
        """Publish a message. One of the two is called, on this publisher's thread, when its fate is known."""
        self.put(Sending(outgoing, on_confirmed, on_unroutable))

    def put(self, sending: Sending) -> None:
        """Publish a message that says itself who is told of its fate, on this publisher's thread."""
        self._waiting.append(sending)
        if self._link.asleep:
            # Once is enough. Before the wake: who sleeps again meanwhile is woken once too often.
            self._link.asleep = False
            self._link.wake()
        if self.ended:
            self._refuse_the_rest()

    def withdraw(self, sending: Sending) -> bool:
        """Give a message up, and return whether nothing of it was sent; nobody is called back for it."""
        sending.withdrawn = True
        try:
            self._waiting.remove(sending)
        except ValueError:
            return False
        return not sending.sent  # that, too, waits here after a lost connection

    @property
    def is_served(self) -> bool:
        """Whether there is a connection, and the broker takes messages."""
        return self._confirming is not None and not self._link.blocked

    def finish(self) -> None:
        """Close when all is confirmed; nobody waits for that."""
        self._closing = True
        self._link.wake()

    def close(self, timeout_s: float) -> bool:
        """Wait until all is confirmed, at most so long, and close; return whether all was."""
        self.finish()
        self._thread.join(timeout_s)
        self._given_up = True
        self._link.wake()
        return not self._thread.is_alive()

    def _guarded(self) -> None:
        try:
            self._run()
        except BaseException as error:
            self.failure = error
        finally:
            self.ended = True
            self._refuse_the_rest()

    def _refuse_the_rest(self) -> None:
        """Tell those who want to know that their messages aren't sent any more."""
        error = self.failure or ConnectionError("the connection is closed")
        self._send_again(self._unconfirmed())
        self._confirming = None
        with suppress(IndexError):  # several threads may be at it
            while True:
                sending = self._waiting.popleft()
                if sending.on_refused and not sending.withdrawn:
                    sending.on_refused(error)

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
                left, self._confirming = self._unconfirmed(), None
                self._send_again(self._but_for_refused(error, left))
                if not left or not isinstance(error, IrrecoverableChannelError):
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
                while self._may_publish(confirming):
                    self._publish(confirming, self._waiting.popleft())
            # First say that we sleep, then look: who comes in between wakes us.
            self._link.asleep = True
            if not self._finished() and not self._may_publish(confirming):
                self._link.wait(1.0)
            self._link.asleep = False
            self._link.drain()
            if confirming.refused:
                refused = counted(len(confirming.refused), "message")
                self._say("warning", f"the broker refused {refused}; sending again")
                self._send_again(confirming.refused)
                confirming.refused = []
                self._link.sleep(_PAUSE_S)

    def _may_publish(self, confirming: Confirming) -> bool:
        # A broker that takes nothing would take it later, when its publisher may have given up.
        window = 1 if self._singly else WINDOW
        return bool(self._waiting) and len(confirming.unconfirmed) < window and not self._link.blocked

    def _publish(self, confirming: Confirming, sending: Sending) -> None:
        self._singly = max(0, self._singly - 1)
        if sending.withdrawn:
            return
        try:
            confirming.publish(sending)
        except BROKER_ERRORS:
            raise
        except Exception as error:  # the others go on
            self._say("error", f"a message can't be sent: {type(error).__name__}: {error}")
            sending.refuse(error)

    def _send_again(self, sendings: list[Sending]) -> None:
        """Put messages in front of what waits, in their order."""
        self._waiting.extendleft(reversed([sending for sending in sendings if not sending.withdrawn]))

    def _but_for_refused(self, error: BaseException, left: list[Sending]) -> list[Sending]:
        """Return the messages without those that the broker refuses, which would end each channel anew.

        It says which exchange it refuses, and otherwise not which message: then those that were on
        their way go out one by one, until one of them is alone when it happens.
        """
        if not isinstance(error, IrrecoverableChannelError):
            return left
        alone = left if len(left) == 1 else []
        refused = [sending for sending in left if is_named(error, sending.outgoing.exchange)] or alone
        if any(sending.on_refused is None for sending in refused):
            self._say_refused(error)
        for sending in refused:
            sending.refuse(error)
        if not refused:
            self._singly = len(left)
        return [sending for sending in left if sending not in refused]

    def _say_refused(self, error: IrrecoverableChannelError) -> None:
        """Say which permission is lacking: nobody else here knows."""
        why = lacking(error.reply_text, "write")
        if why and self._seldom.may_say(why):
            self._say("error", f"{why}; until then what should go there stays where it is")
