"""Publishing as the one process of all machines that holds a lock: by the connection that holds it."""

from collections.abc import Callable, Iterable
from typing import Any

from amqp.exceptions import IrrecoverableChannelError, NotFound, ResourceLocked

from ebats.pipelines.counting import counted
from ebats.pipelines.model import Broker
from ebats.runner.broker.confirming import Confirming, Sending
from ebats.runner.broker.connect import Say
from ebats.runner.broker.link import Link
from ebats.runner.broker.lock import CLASSIC
from ebats.runner.broker.publish import WINDOW
from ebats.runner.broker.rights import Right, lacking, refused_name
from ebats.runner.execution.seldom import Seldom
from ebats.runner.execution.settle import Outgoing

_PAUSE_S = 0.5
#: What the broker refuses, somebody has to mend first.
_REFUSED_S = 5.0
_WAIT_S = 1.0


class LockLost(ConnectionError):
    """Raised when the lock has gone though the connection lives: somebody deleted it."""


class Leading:
    """A connection that may hold a lock, an exclusive queue: who has lost the connection can't publish.

    For one thread, but for `wake`. Any call may raise BROKER_ERRORS; then follow `failed` and `open`.
    """

    def __init__(self, broker: Broker, lock: str, say: Say) -> None:
        """Compete for the lock, the broker's name of a queue."""
        self._link = Link(broker, say)
        self._lock = lock
        self._say = say
        self._channel: Any = None
        self._confirming: Confirming | None = None
        self._is_gone = False
        self._stop: Callable[[], bool] = lambda: False
        self._seldom = Seldom()
        self.wake = self._link.wake
        self.close = self._link.close

    def open(self, stop: Callable[[], bool]) -> bool:
        """Connect, once the broker answers; False: `stop` became true meanwhile."""
        self._stop = stop
        self._channel = self._link.open(stop)
        self._is_gone = False
        self._confirming = Confirming(self._channel) if self._channel else None
        return self._channel is not None

    def failed(self, error: BaseException) -> None:
        """Let go of a connection that failed, and of the lock; say why, and wait a little.

        Raises:
            BrokerUnusable: the embedded broker's file is damaged: no other connection would do better.
        """
        if isinstance(error, IrrecoverableChannelError):
            self._refused(error)
        else:
            self._link.lost(error)
            self._link.sleep(_PAUSE_S)

    def _refused(self, error: IrrecoverableChannelError) -> None:
        self._link.close()
        text = str(getattr(error, "reply_text", error))
        why = lacking(text, self._right(text)) or f"the broker refuses: {text}"
        if isinstance(error, NotFound):
            why = f"{why}; `ebats apply` makes what is missing"
        if self._seldom.may_say(why):
            self._say("error", f"{why}; trying on")
        self._link.sleep(_REFUSED_S)

    def try_lock(self) -> bool:
        """Take the lock, and return whether this connection has it now."""
        if not self._is_free():
            return False
        channel = self._link.another_channel()
        try:
            channel.queue_declare(self._lock, exclusive=True, auto_delete=False, arguments=CLASSIC)
        except ResourceLocked:  # somebody was quicker
            return False
        # Takes what others ask by, and hears of it when somebody deletes the queue.
        channel.basic_consume(self._lock, no_ack=True, callback=lambda _: None, on_cancel=self._on_cancel)
        return True

    def publish(self, messages: Iterable[Outgoing], count: Callable[[Outgoing], None]) -> list[Outgoing]:
        """Publish messages, wait until the broker has them all, and return those that no queue takes.

        `count` is called with each before it goes out. What the broker refuses for now is published again
        until it takes it.
        """
        unroutable: list[Outgoing] = []
        for message in messages:
            while len(self._confirms().unconfirmed) >= WINDOW or self._link.blocked:
                self.wait(_WAIT_S)
            count(message)
            self._send(message, unroutable)
        while self._confirms().unconfirmed or self._confirms().refused:
            self.wait(_WAIT_S)
            if refused := self._confirms().refused:
                # A full disk refuses twice a second.
                if self._seldom.may_say("refused"):
                    found = counted(len(refused), "message")
                    self._say("warning", f"the broker refused {found}; publishing again until it takes all")
                self._link.sleep(_PAUSE_S)
                self._confirms().refused = []
                for sending in refused:
                    self._confirms().publish(sending)
        return unroutable

    def take(self, queue: str) -> list[Any]:
        """Take all messages that are in a queue; they go back to it with the connection."""
        found = []
        while (message := self._channel.basic_get(queue)) is not None:
            found.append(message)
        return found

    def acknowledge(self, messages: Iterable[Any]) -> None:
        """Acknowledge what was taken."""
        for message in messages:
            self._channel.basic_ack(message.delivery_info["delivery_tag"])
        self._link.write_down()

    def wait(self, timeout_s: float) -> None:
        """Do what is due on the connection, waiting at most so long for it, or for `wake`.

        Raises:
            LockLost: the lock was deleted.
        """
        self._link.wait(timeout_s)
        self._link.drain()
        if self._is_gone:
            raise LockLost(f"the queue {self._lock} was deleted")

    def _right(self, text: str) -> Right:
        """Return which right is needed on what a refusal names."""
        if refused_name(text) == self._lock:
            return "configure"
        return "read" if "queue '" in text else "write"

    def _is_free(self) -> bool:
        """Return whether nobody holds the lock.

        It is asked by a message for it: declaring somebody else's writes an error into the broker's log
        each time.
        """
        unroutable: list[Outgoing] = []
        self._send(Outgoing("", self._lock, b"", {}, {"delivery_mode": 1}), unroutable)
        # A broker that takes nothing for now doesn't answer either.
        while self._confirms().unconfirmed and not self._stop():
            self.wait(_WAIT_S)
        return bool(unroutable)

    def _send(self, message: Outgoing, unroutable: list[Outgoing]) -> None:
        self._confirms().publish(Sending(message, lambda: None, lambda: unroutable.append(message)))

    def _confirms(self) -> Confirming:
        assert self._confirming is not None
        return self._confirming

    def _on_cancel(self, _tag: str) -> None:
        self._is_gone = True
