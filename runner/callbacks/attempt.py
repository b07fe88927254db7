"""One attempt: the requests of a message, sent at once, those that have succeeded before left out."""

import asyncio
import time
from collections.abc import Callable, Sequence

from yarl import URL

from ebats.pipelines.http_task import HttpTask
from ebats.runner.callbacks.carried import Carried
from ebats.runner.callbacks.guard import Refused
from ebats.runner.callbacks.hosts import Busy, Hosts, Place
from ebats.runner.callbacks.request import Request, as_url, host_of, shown
from ebats.runner.callbacks.retry_after import wait_s
from ebats.runner.callbacks.sent import Sent
from ebats.runner.callbacks.session import NoAnswer, Sends, Timeouts
from ebats.runner.callbacks.sign import Signer, request_id
from ebats.runner.callbacks.success import Answer, Judge
from ebats.runner.execution.clock import Clock
from ebats.runner.execution.slots import Run

#: Such an answer, or one from 500 on, says that the other side can't, for now.
_TOO_MANY = 429


class Kit:
    """What the attempts of one task share."""

    def __init__(
        self,
        http: HttpTask,
        sessions: tuple[Sends, Sends],
        hosts: Hosts,
        say: Callable[[str, str], None],
        clock: Clock = time,
    ) -> None:
        """Send over the first session what goes to hosts of the file, over the second, guarded, the rest."""
        self.http = http
        self.trusted, self.guarded = sessions
        self.hosts = hosts
        self.say = say
        self.clock = clock
        self.signer = Signer(http.secrets) if http.secrets else None
        self.judge = Judge(http)
        self.timeouts = Timeouts(http.connect_s, http.read_s)


class Attempt:
    """Sends the requests of one message, and notes what becomes of each."""

    def __init__(
        self, kit: Kit, run: Run, requests: Sequence[Request], carried: Carried | None, ends_at: float | None
    ) -> None:
        """Begin an attempt that ends at a time of the event loop, at the latest.

        Raises:
            BadRequest: a URL is none.
        """
        self._kit = kit
        self._run = run
        self._requests = requests
        self._carried = carried
        self._ends_at = ends_at
        self._urls = [as_url(request.url) for request in requests]
        #: What became of each; as long as nothing did, it is late.
        self.sent = [
            Sent(
                request.method,
                shown(url),
                "earlier" if request.number in run.done else "late",
                f"no answer within the time-out of the whole attempt, {run.task.timeout_s or 0:g} s",
            )
            for request, url in zip(requests, self._urls, strict=True)
        ]

    async def make(self) -> None:
        """Send what hasn't succeeded yet, all at once."""
        todo = [index for index, one in enumerate(self.sent) if one.outcome == "late"]
        if len(todo) == 1:
            await self._send(todo[0])
            return
        async with asyncio.TaskGroup() as group:
            for index in todo:
                group.create_task(self._send(index))

    async def _send(self, index: int) -> None:
        request, url, sent = self._requests[index], self._urls[index], self.sent[index]
        hosts = self._kit.hosts
        clock = self._kit.clock
        place = hosts.enter(host_of(url), clock.monotonic())
        if isinstance(place, Busy):
            sent.outcome, sent.text, sent.answer = "waiting", place.why, None
            sent.wait_ms, sent.is_down = place.wait_ms, place.is_down
            return
        began, host_failed = clock.monotonic(), None
        try:
            host_failed = await self._ask(request, url, sent)
        except asyncio.CancelledError:
            # Late, unless the process is leaving: that is nobody's fault.
            is_late = self._ends_at is not None and asyncio.get_running_loop().time() >= self._ends_at
            host_failed = True if is_late else None
            sent.seconds = clock.monotonic() - began
            raise
        finally:
            self._leave(place, host_failed, sent)

    async def _ask(self, request: Request, url: URL, sent: Sent) -> bool | None:
        """Send one request; return whether its host has failed, None: nobody asked it."""
        kit, began = self._kit, self._kit.clock.monotonic()
        if kit.signer:
            number = request_id(request.id, request.number, len(self._requests))
            signed = dict(kit.signer.headers(number, kit.clock.time(), request.body or b""))
            # In place of any in capitals too: of two, the other side would look at the wrong one.
            others = {name: value for name, value in request.headers.items() if name.lower() not in signed}
            request.headers = others | signed
        session = kit.trusted if request.trusted else kit.guarded
        try:
            answer = await session.send(request, url, kit.timeouts.of(request.timeout_s))
        except Refused as error:
            sent.outcome, sent.text = "refused", str(error)
            return None
        except NoAnswer as error:
            sent.outcome, sent.text, sent.seconds = "failed", str(error), kit.clock.monotonic() - began
            return True
        self._take(answer, request, sent)
        return answer.status >= 500 or answer.status == _TOO_MANY

    def _take(self, answer: Answer, request: Request, sent: Sent) -> None:
        http, carried = self._kit.http, self._carried
        if carried:
            verdict = self._kit.judge.judge(answer, carried.success_codes, carried.retry_codes)
        else:
            verdict = self._kit.judge.judge(answer)
        sent.outcome, sent.text, sent.answer = verdict.outcome, verdict.text, answer
        if verdict.outcome == "success":
            if len(self.sent) > 1:
                # Known also when the run is handed back in the middle.
                self._run.done = (*self._run.done, request.number)
        elif answer.retry_after and http.retry_after_s:
            sent.wait_ms = round(
                wait_s(answer.retry_after, self._kit.clock.time(), http.retry_after_s) * 1000
            )

    def _leave(self, place: Place, host_failed: bool | None, sent: Sent) -> None:
        hosts, now = self._kit.hosts, self._kit.clock.monotonic()
        change = hosts.leave(place, host_failed, now)
        if change == "down":
            self._kit.say("warning", f"{place.host} is down: its messages wait, and use up no attempts")
        elif change == "up":
            self._kit.say("info", f"{place.host} is up again")
        if place.is_probe and host_failed and sent.outcome in ("failed", "late"):
            # It was found out that the host is still down: no attempt is used up by that.
            sent.outcome, sent.is_down = "waiting", True
            sent.wait_ms = max(sent.wait_ms, hosts.pause_ms(place.host, now))
