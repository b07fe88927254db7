"""Publishing with pipelined confirms: what was sent is kept until the broker has it."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from amqp.exceptions import IrrecoverableChannelError

from ebats.pipelines.counting import counted
from ebats.pipelines.model import Broker
from ebats.runner.broker.confirming import Confirming, Sending
from ebats.runner.broker.connect import BROKER_ERRORS, Say
from ebats.runner.broker.link import Link
from ebats.runner.broker.refusals import is_named
from ebats.runner.broker.rights import lacking
from ebats.runner.execution.seldom import Seldom
from ebats.runner.execution.settle import Outgoing

#: Messages on their way at once: enough to hide the round trip.
WINDOW = 500
_PAUSE_S = 0.5


class Publisher:
    """Publishes what other threads give it, on a thread and a connection of its own."""

    def __init__(self, broker: Broker, say: Say, say_link: Say | None = None) -> None:
        """Publish to a broker; `say_link` is told how the connection is, where `say` isn't to be.

        That the broker takes no messages is told to `say`: it concerns publishing alone.
        """
        self._link = Link(broker, say_link or say, say)
        self._say = say
        self._waiting: deque[Sending] = deque()
        self._confirming: Confirming | None = None
        #: So many go out one by one: one of them made the broker close the channel.
        self._singly = 0
        self._seldom = Seldom()
        self._closing = False
        self._given_up = False
        #: How often the connection was lost.
        self.losses = 0
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
        self.put_all((sending,))

    def put_all(self, sendings: Sequence[Sending]) -> None:
        """Publish messages that belong together: the embedded broker stores them in one transaction."""
        for sending in sendings[:-1]:
            sending.more = True
        # By one call: who takes the first finds the others behind it.
        self._waiting.extend(sendings)
        if self._link.asleep:
            self._link.wake_once()
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
                self.losses += 1
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
                    self._publish_next(confirming)
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

    def _publish_next(self, confirming: Confirming) -> None:
        sending = self._waiting.popleft()
        if not sending.more or self._singly:
            self._publish(confirming, sending)
            return
        with confirming.together():
            self._publish(confirming, sending)
            while sending.more and self._waiting:
                sending = self._waiting.popleft()
                self._publish(confirming, sending)

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
