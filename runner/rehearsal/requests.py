"""The HTTP tasks of a rehearsal: their requests are built, guarded and judged, but not sent."""

import asyncio
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from yarl import URL

from ebats.pipelines.cases import Answer as Given
from ebats.pipelines.http_task import BodyRule, HttpTask
from ebats.pipelines.model import Pipeline, Task
from ebats.pipelines.tls import Tls
from ebats.runner.callbacks.callbacks import Callbacks
from ebats.runner.callbacks.guard import Guard
from ebats.runner.callbacks.request import Request
from ebats.runner.callbacks.session import NoAnswer, too_long
from ebats.runner.callbacks.success import Answer
from ebats.runner.execution.slots import Callback
from ebats.runner.rehearsal.agenda import Agenda

#: As many at once as a consumer of HTTP tasks has, where the file doesn't say.
_AT_ONCE = 200


def callback_of(
    pipeline: Pipeline, task: Task, answer_to: Callable[[int], Given], agenda: Agenda
) -> Callback:
    """Return what an HTTP task does, answered by `answer_to` an attempt's number.

    Raises:
        BadEntryPoint: its `prepare` can't be imported.
    """
    assert task.http
    http = task.http

    def open_session(_tls: Tls | None, guard: Guard | None) -> "Unsent":
        return Unsent(http, guard, answer_to)

    tasks = [each for each in pipeline.tasks.values() if each.http]
    return Callbacks(pipeline, _AT_ONCE, tasks, lambda *_: None, open_session, agenda).of(task)


class Unsent:
    """Answers requests as the case says, in place of the other side; see `session.Session`."""

    def __init__(self, http: HttpTask, guard: Guard | None, answer_to: Callable[[int], Given]) -> None:
        """Stand for all hosts of a task."""
        self._http = http
        self._guard = guard
        self._answer_to = answer_to

    async def send(self, request: Request, url: URL, timeout: Any) -> Answer:
        """Return what a request is answered, after the time that it takes.

        Raises:
            NoAnswer: there is none: the case says so, or it takes too long.
            Refused: the guard wouldn't let it go there. Nobody is asked for the addresses of names.
        """
        if self._guard:
            self._guard.check(url)
        given = self._answer_to(request.attempt)
        seconds = given.takes_ms / 1000
        if late := too_long(timeout, seconds):
            await asyncio.sleep(late[0])
            raise NoAnswer(late[1])
        if seconds:
            await asyncio.sleep(seconds)
        if given.raises:
            raise NoAnswer(f"{given.raises}: {given.text}" if given.text else given.raises)
        return _answer(given, self._http, seconds)


def _answer(given: Given, http: HttpTask, seconds: float) -> Answer:
    headers: Mapping[str, str] = {name.lower(): value for name, value in given.headers.items()}
    status, body = given.status, given.body
    if status is None:
        # What the task takes for a success, with the value that it is to return.
        status, headers, body = _success(given.returns, http, headers)
    return Answer(
        status=status,
        reason=_reason(status),
        content_type=headers.get("content-type", ""),
        retry_after=headers.get("retry-after"),
        body=body.encode(errors="replace"),
        is_cut=False,
        seconds=seconds,
    )


def _success(
    returns: object, http: HttpTask, headers: Mapping[str, str]
) -> tuple[int, Mapping[str, str], str]:
    status = http.success[0][0] if http.success else 200
    if isinstance(returns, str):
        return status, headers, returns
    if returns is None and http.success_body:
        return status, headers, _fitting(http.success_body)
    body = "" if returns is None else json.dumps(returns, ensure_ascii=False)
    return status, {"content-type": "application/json", **headers}, body


def _fitting(rule: BodyRule) -> str:
    """Return a body that the rule takes; of a regular expression nobody knows one."""
    if rule.pointer is None:
        return rule.text or rule.contains or ""
    value: object = json.loads(rule.equals or "null")
    for step in reversed(rule.pointer.split("/")[1:]):
        value = {step.replace("~1", "/").replace("~0", "~"): value}
    return json.dumps(value, ensure_ascii=False)


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
