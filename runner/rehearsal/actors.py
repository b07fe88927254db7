"""What tasks do in a rehearsal: what the case says of the attempt, the file's own function, or a request."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

from ebats.pipelines.cases import NOTHING, Answer, Case
from ebats.pipelines.model import Pipeline, Task
from ebats.runner.execution.api import Reject, Retry
from ebats.runner.execution.call import Function
from ebats.runner.execution.slots import Callback, Run
from ebats.runner.rehearsal.agenda import Agenda
from ebats.runner.roles.functions import Functions


class Actors:
    """Finds what a task does, by its name; see `ports.Looks`."""

    def __init__(self, pipeline: Pipeline, case: Case, agenda: Agenda) -> None:
        """Act as the case says."""
        self._pipeline = pipeline
        self._case = case
        self._functions = Functions(pipeline)
        self._agenda = agenda
        self._callbacks: dict[str, Callback] = {}

    def __getitem__(self, name: str) -> Function | Callback:
        """Return what a task does, before it is known which attempt it is.

        Raises:
            BadEntryPoint: the case wants the file's own function, and it can't be imported.
        """
        task = self._pipeline.tasks[name]
        if task.http:
            return self._callback(task)
        if any(answer.real for answer in self._case.answers.get(name, ())):
            return self._functions[name]
        return _stand_in(NOTHING)

    def cast(self, run: Run) -> None:
        """Give a run what this attempt of its task does."""
        if not isinstance(run.function, Function):
            return
        answer = self.answer(run.task.name, run.envelope.attempt)
        if not answer.real:
            run.function = _stand_in(answer)
        elif answer.takes_ms:
            run.function = _later(run.function, answer.takes_ms / 1000)

    def answer(self, task: str, attempt: int) -> Answer:
        """Return how an attempt of a task ends, by its number from 1."""
        return self._case.answer(task, attempt)

    def _callback(self, task: Task) -> Callback:
        if task.name not in self._callbacks:
            # An HTTP client takes a while to import, and most cases need none.
            from ebats.runner.rehearsal.requests import callback_of

            self._callbacks[task.name] = callback_of(
                self._pipeline, task, lambda attempt: self.answer(task.name, attempt), self._agenda
            )
        return self._callbacks[task.name]


def _stand_in(answer: Answer) -> Function:
    """Return a function that ends as the answer says, whatever it is given."""

    def act() -> object:
        if answer.raises:
            raise _exception(answer)
        return answer.returns

    async def act_later() -> object:
        await asyncio.sleep(answer.takes_ms / 1000)
        return act()

    return Function(
        function=act_later if answer.takes_ms else act,
        is_async=answer.takes_ms > 0,
        names=frozenset(),
        required=frozenset(),
        context_name=None,
        payload_name=None,
    )


def _later(function: Function, seconds: float) -> Function:
    """Return the function, called after so long on the rehearsal's clock, unless its time is over by then."""
    inner: Callable[..., Any] = function.function

    async def act(**given: Any) -> object:
        await asyncio.sleep(seconds)
        if function.is_async:
            return await inner(**given)
        # On a thread of its own, as in a consumer process: it may run an event loop itself.
        return await asyncio.to_thread(inner, **given)

    return dataclasses.replace(function, function=act, is_async=True)


def _exception(answer: Answer) -> BaseException:
    name = (answer.raises or "").removeprefix("ebats.")
    if name == "Retry":
        error = Retry(*_texts(answer))
        error.after_ms = answer.after_ms
        return error
    if name == "Reject":
        return Reject(*_texts(answer))
    module, _, last = name.rpartition(".")
    # Where it is written without a module it reads like one of Python's own.
    kind: type[Exception] = type(last, (Exception,), {"__module__": module or "builtins"})
    return kind(*_texts(answer))


def _texts(answer: Answer) -> tuple[str, ...]:
    return (answer.text,) if answer.text else ()
