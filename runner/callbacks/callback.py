"""What an HTTP task does with a message: builds its requests, sends them, says what came of it."""

import asyncio
from collections.abc import Mapping, Sequence

from msgspec import structs

from ebats.pipelines import pointer
from ebats.pipelines.http_task import is_header_value
from ebats.pipelines.model import Pipeline, Task
from ebats.runner.callbacks.attempt import Attempt, Kit
from ebats.runner.callbacks.build import CONTENT_TYPES, Builder, Message
from ebats.runner.callbacks.carried import BadMessage, Carried, CarriedRequest, read
from ebats.runner.callbacks.prepare import BadPrepare, Prepare
from ebats.runner.callbacks.request import BadRequest, Request
from ebats.runner.callbacks.sent import result_of
from ebats.runner.execution.call import failed, timed_out
from ebats.runner.execution.envelope import Envelope
from ebats.runner.execution.outcome import Failed, Postponed, Result
from ebats.runner.execution.slots import Run


class HttpCallback:
    """Makes the attempts of one HTTP task; any number at once, on the event loop."""

    is_async = True

    def __init__(self, pipeline: Pipeline, task: Task, kit: Kit) -> None:
        """Read its templates, and import what it needs.

        Raises:
            BadEntryPoint: `prepare` can't be imported.
        """
        self._pipeline = pipeline
        self._task = task
        self._kit = kit
        http = kit.http
        self._builder = Builder(http) if http.pointer is None else None
        self._steps = pointer.parse(http.pointer or "")
        self._prepare = Prepare(http.prepare) if http.prepare else None

    async def attempt(self, run: Run, payload: object) -> Result:
        """Make one attempt; see `slots.Callback`."""
        run.done = run.envelope.done
        try:
            return await self._attempt(run, payload)
        # A cancellation that isn't the time-out's, of `prepare`'s own for instance. A run that isn't settled
        # would never come back; one that is cancelled because its process leaves has been handed back.
        except BaseException as error:
            return structs.replace(failed(error), done=run.done)

    async def _attempt(self, run: Run, payload: object) -> Result:
        attempt: Attempt | None = None
        carried: Carried | None = None
        try:
            requests, carried = self._asked(run.envelope, payload)
            # It is ended here and nowhere else: what has succeeded by then is to be known afterwards.
            async with asyncio.timeout(self._task.timeout_s) as limit:
                if self._prepare:
                    requests = [await self._prepare(payload, request) for request in requests]
                attempt = Attempt(self._kit, run, requests, carried, limit.when())
                await attempt.make()
        except (BadRequest, BadMessage) as error:
            return Failed("refused", "Refused", str(error), done=run.done)
        except BadPrepare as error:
            return structs.replace(failed(error.cause), done=run.done)
        except TimeoutError:
            if attempt is None:
                return structs.replace(timed_out(self._task.timeout_s or 0.0), done=run.done)
        return self._result(run.envelope, attempt, carried)

    def _asked(self, envelope: Envelope, payload: object) -> tuple[Sequence[Request], Carried | None]:
        """Return the requests of a message, and what it says itself of how they are judged.

        Raises:
            BadRequest, BadMessage: they can't be built.
        """
        if self._builder is None:
            carried = read(payload, self._steps)
            numbered = enumerate(carried.requests, 1)
            return [_of_message(one, envelope, number) for number, one in numbered], carried
        message = Message(
            id=envelope.id,
            attempt=envelope.attempt,
            payload=payload,
            body=envelope.delivery.body,
            content_type=self._content_type(envelope),
            own=self._own(envelope) if self._builder.uses_own else {},
        )
        return [self._builder.build(message)], None

    def _content_type(self, envelope: Envelope) -> str:
        given = envelope.delivery.properties.get("content_type")
        # Anybody may have written it.
        if isinstance(given, str) and given and is_header_value(given):
            return given
        event = self._pipeline.events.get(envelope.event or "")
        return CONTENT_TYPES[event.format if event else "json"]

    def _own(self, envelope: Envelope) -> Mapping[str, object]:
        return {
            "id": envelope.id,
            "task": self._task.name,
            "event": envelope.event or "",
            "queue": self._pipeline.queue_name(envelope.queue),
            "attempt": envelope.attempt,
        }

    def _result(self, envelope: Envelope, attempt: Attempt | None, carried: Carried | None) -> Result:
        assert attempt is not None
        now = self._kit.clock.time()
        result = result_of(
            attempt.sent,
            now=now,
            is_list=carried is not None,
            most_attempts=carried.most_attempts if carried else None,
            since=envelope.postponed_since,
        )
        breaker = self._kit.http.breaker
        if breaker and isinstance(result, Postponed) and any(one.is_down for one in attempt.sent):
            waited_s = now - (result.since or now)
            if waited_s > breaker.max_age_s:
                text = f"waited {waited_s:.0f} s for its host, longer than max_age: {result.why}"
                return Failed("expired", "HostDown", text, done=result.done, requests=result.requests)
        return result


def _of_message(carried: CarriedRequest, envelope: Envelope, number: int) -> Request:
    return Request(
        method=carried.method,
        url=carried.url,
        headers=carried.headers,
        body=carried.body,
        id=envelope.id,
        number=number,
        attempt=envelope.attempt,
        timeout_s=carried.timeout_s,
    )
