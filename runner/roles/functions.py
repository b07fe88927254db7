"""What tasks, hooks and producers do: Python functions, imported when needed, or HTTP callbacks."""

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any

from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.entry_points import uses
from ebats.pipelines.model import Pipeline, Task
from ebats.runner.execution.api import Context
from ebats.runner.execution.call import BadEntryPoint, Function, cut, find, inspect_function
from ebats.runner.execution.call import failed as as_failed
from ebats.runner.execution.entry_points import INSPECT
from ebats.runner.execution.journal import Journal
from ebats.runner.execution.outcome import EXCEPTIONS, Failed
from ebats.runner.execution.slots import Callback

if TYPE_CHECKING:
    from ebats.runner.callbacks.callbacks import Callbacks


class Functions:
    """Task names to what they do; each is imported once."""

    def __init__(
        self, pipeline: Pipeline, concurrency: int = 1, say: Callable[[str, str], None] = lambda *_: None
    ) -> None:
        """Serve a process that runs so many tasks at once; `say` writes a level and a text."""
        self._pipeline = pipeline
        self._concurrency = concurrency
        self._say = say
        self._found: dict[str, Function | Callback] = {}
        self._loaded: Collection[Task] = pipeline.tasks.values()
        self._callbacks: Callbacks | None = None

    def __getitem__(self, name: str) -> Function | Callback:
        """Return the function or the callback of a task.

        Raises:
            BadEntryPoint: it can't be imported, or can't be called with a message.
        """
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._find(self._pipeline.tasks[name])
        return found

    def load(self, tasks: Iterable[Task]) -> None:
        """Import what these tasks need now: no others run here."""
        self._loaded = list(tasks)
        for task in self._loaded:
            self[task.name]

    def hosts(self) -> dict[str, Any]:
        """Return what is known of the hosts that have failed, by task."""
        return self._callbacks.states() if self._callbacks else {}

    def _find(self, task: Task) -> Function | Callback:
        if task.python:
            return inspect_function(find(task.python))
        if self._callbacks is None:
            # An HTTP client costs memory, and most processes have no such task.
            from ebats.runner.callbacks.callbacks import Callbacks

            self._callbacks = Callbacks(self._pipeline, self._concurrency, self._loaded, self._say)
        return self._callbacks.of(task)


def hook(entry: EntryPoint | None) -> Callable[..., Any] | None:
    """Return the function of `on_start`, `on_stop` or `on_error`, where there is one."""
    return find(entry) if entry else None


def tell(
    on_error: Callable[[Context, BaseException], object], context: Context, failed: Failed, journal: Journal
) -> None:
    """Call `on_error` for a failed attempt; what it raises is written down."""
    error = failed.exception or EXCEPTIONS.get(failed.how, RuntimeError)(failed.text)
    try:
        on_error(context, error)
    except BaseException as second:  # the slot has to go on
        text = cut(as_failed(second).text, 200)
        journal.log.warning(f"on_error failed: {type(second).__name__}: {text}")


def problems(pipeline: Pipeline, on_try: Callable[[EntryPoint], None]) -> list[tuple[EntryPoint, str]]:
    """Import every entry point of a pipeline, told to `on_try` first; return the bad ones, and why."""
    found = []
    for use in uses(pipeline):
        on_try(use.entry)
        try:
            INSPECT[use.kind](find(use.entry))
        except BadEntryPoint as error:
            found.append((use.entry, str(error)))
    return found
