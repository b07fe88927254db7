"""Messages on their way to the broker, until the fate of each is known."""

import threading
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol, Self

from ebats.pipelines.counting import counted
from ebats.runner.broker.confirming import Sending
from ebats.runner.broker.refusals import refusal
from ebats.runner.execution.settle import Outgoing
from ebats.runner.execution.unpublished import NotConfirmed, PublishError, Refused, Unroutable

if TYPE_CHECKING:
    import asyncio

#: Yields whenever one has to wait to be woken, and is sent whether one was, in time.
Waits = Generator[None, bool | None, None]


class Sends(Protocol):
    """Publishes messages on a thread of its own."""

    def put(self, sending: Sending) -> None: ...

    def withdraw(self, sending: Sending) -> bool: ...


class Flight:
    """The messages of one call, from one thread or one coroutine.

    Inside a `with`: what nobody waits for any more when it is left is withdrawn.
    """

    def __init__(
        self,
        sender: Sends,
        timeout_s: float,
        why: Callable[[], str],
        event: "threading.Event | asyncio.Event",
    ) -> None:
        """Send by `sender`. `why` tells what is wrong with the broker, if it knows; one waits by `event`."""
        self._sender = sender
        self._timeout_s = timeout_s
        self._why = why
        self._event = event
        self._loop = None if isinstance(event, threading.Event) else _running_loop()
        self._open: dict[int, Sending] = {}
        self._sent = 0
        self._done = 0
        #: Wake up when at most so many are open.
        self._most = 0
        self._failure: PublishError | None = None
        self._failed: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        for sending in list(self._open.values()):
            self._sender.withdraw(sending)

    def __len__(self) -> int:
        """Return how many are on their way."""
        return len(self._open)

    @property
    def has_failed(self) -> bool:
        """Whether one of them won't arrive."""
        return self._failure is not None

    def send(self, outgoing: Outgoing) -> None:
        """Send a message on its way."""
        self._sent += 1
        number = self._sent
        sending = Sending(
            outgoing,
            partial(self._end, number),
            partial(self._unroutable, number),
            partial(self._refused, number),
        )
        self._open[number] = sending
        self._sender.put(sending)

    def wait(self, steps: Waits) -> None:
        """Go through steps on a thread."""
        assert isinstance(self._event, threading.Event)
        woken: bool | None = None
        try:
            while True:
                steps.send(woken)
                woken = self._event.wait(self._timeout_s)
        except StopIteration:
            return

    async def wait_async(self, steps: Waits) -> None:
        """Go through steps in a coroutine."""
        import asyncio  # costs memory, and most processes don't need it

        assert isinstance(self._event, asyncio.Event)
        woken: bool | None = None
        try:
            while True:
                steps.send(woken)
                try:
                    async with asyncio.timeout(self._timeout_s):
                        woken = await self._event.wait()
                except TimeoutError:
                    woken = False
        except StopIteration:
            return

    def room(self, most: int) -> Waits:
        """Wait until at most so many are open, or one has failed."""
        self._most = most
        while len(self._open) > most and not self._failure:
            if not (yield from self._woken(lambda: len(self._open) <= most or self.has_failed)):
                self._give_up()

    def end(self, ids: Sequence[str] = ()) -> Waits:
        """Wait until the fate of all, whose ids are `ids`, is known.

        Raises:
            PublishError: one isn't there; it has the ids of all that aren't, and of those that are.
        """
        self._most = 0
        while self._open:
            if not (yield from self._woken(lambda: not self._open)):
                self._give_up()
        if self._failure:
            failed = dict.fromkeys(self._failed)
            self._failure.ids = tuple(failed)
            self._failure.confirmed = tuple(each for each in ids if each not in failed)
            raise self._failure

    def _woken(self, is_so: Callable[[], bool]) -> Generator[None, bool | None, bool]:
        """Wait once; False: nothing has happened for as long as the broker is given."""
        seen = self._done
        self._event.clear()
        # First say what is waited for, then look: what comes in between sets the event.
        if is_so():
            return True
        woken = yield
        return bool(woken) or self._done != seen

    def _give_up(self) -> None:
        left = list(self._open.values())
        unsent = [sending for sending in left if self._sender.withdraw(sending)]
        self._open.clear()
        self._failed += [_id(sending) for sending in left]
        why = f": {text}" if (text := self._why()) else ""
        text = (
            f"the broker hasn't confirmed {counted(len(left), 'message')} within {self._timeout_s:g} s{why}"
        )
        if len(unsent) == len(left):
            # Of an event that is handed to its tasks some may be there.
            end = "what isn't confirmed wasn't sent" if self._done else "nothing was sent"
        else:
            end = "it may arrive all the same; it may be published again with the same id"
        self._failure = self._failure or NotConfirmed(f"{text}; {end}")

    # On the sender's thread.

    def _unroutable(self, number: int) -> None:
        if sending := self._open.get(number):
            outgoing = sending.outgoing
            where = f"for the exchange {outgoing.exchange!r} and the key {outgoing.key!r}"
            if not outgoing.exchange:
                where = f"for it: there is no queue {outgoing.key!r}"
            self._fail(number, Unroutable(f"no queue takes the message: none is bound {where}"))

    def _refused(self, number: int, error: BaseException) -> None:
        if text := refusal(error):
            self._fail(number, Refused(f"the broker refuses the message: {text}"))
        else:
            self._fail(number, NotConfirmed(f"{error}; the message may arrive, or not"))

    def _fail(self, number: int, failure: PublishError) -> None:
        if sending := self._open.get(number):
            self._failed.append(_id(sending))
            self._failure = self._failure or failure
        self._end(number)

    def _end(self, number: int) -> None:
        self._open.pop(number, None)
        self._done += 1
        if len(self._open) <= self._most or self._failure:
            self._wake()

    def _wake(self) -> None:
        if self._loop is None:
            self._event.set()
            return
        try:
            self._loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:  # the loop is closed: nobody waits
            return


def _running_loop() -> "asyncio.AbstractEventLoop":
    import asyncio

    return asyncio.get_running_loop()


def _id(sending: Sending) -> str:
    return str(sending.outgoing.properties["message_id"])
