"""A server for a test: on an event loop and a thread of its own, inside a `with`."""

import asyncio
import threading
from types import TracebackType
from typing import Self


class Served:
    """Runs `serve` on its thread, which sets `ready` when it listens, and ends when `stop` is set."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.stop = asyncio.Event()
        self.ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    async def serve(self) -> None:
        """Listen until `stop` is set."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        assert self.ready.wait(30)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.loop.call_soon_threadsafe(self.stop.set)
        self._thread.join(30)

    def _run(self) -> None:
        self.loop.run_until_complete(self._serve())
        self.loop.close()

    async def _serve(self) -> None:
        await self.serve()
        late = asyncio.all_tasks() - {asyncio.current_task()}
        for task in late:  # answers that nobody waits for any more
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
