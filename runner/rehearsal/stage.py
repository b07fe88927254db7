"""Where runs take place in a rehearsal: as many at once as there are, on the agenda's clock."""

from functools import partial
from typing import TYPE_CHECKING

from ebats.runner.execution.slots import Run
from ebats.runner.rehearsal.actors import Actors
from ebats.runner.rehearsal.agenda import Agenda
from ebats.runner.roles.engine import Engine

if TYPE_CHECKING:
    import asyncio

    from ebats.runner.rehearsal.loop import Loop


class Stage:
    """Starts runs; see `ports.Submits`."""

    def __init__(self, engine: Engine, actors: Actors, agenda: Agenda) -> None:
        """Run for an engine what the actors do."""
        self._engine = engine
        self._actors = actors
        self._agenda = agenda
        self._loop: Loop | None = None
        self._futures: dict[asyncio.Task[None], Run] = {}

    def submit(self, run: Run) -> bool:
        """Let a run take place when its turn comes; there is always room."""
        self._agenda.after(0.0, partial(self._start, run))
        return True

    def running(self) -> list[Run]:
        """Return the runs that have begun and not ended."""
        return list(self._futures.values())

    def close(self) -> None:
        """End what still runs: it counts for nothing."""
        for run in self.running():
            run.settled = True
        if self._loop:
            self._loop.finish()

    def _start(self, run: Run) -> None:
        run.started, run.started_at = self._agenda.monotonic(), self._agenda.time()
        self._actors.cast(run)
        if not run.is_async:
            self._engine.execute(run)
            return
        future = self._opened().start(self._engine.execute_async(run))
        self._futures[future] = run
        future.add_done_callback(self._ended)

    def _ended(self, future: "asyncio.Task[None]") -> None:
        self._futures.pop(future, None)

    def _opened(self) -> "Loop":
        if self._loop is None:
            from ebats.runner.rehearsal.loop import Loop

            self._loop = Loop(self._agenda)
        return self._loop
