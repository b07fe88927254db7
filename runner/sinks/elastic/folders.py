"""Which folder of a spool is whose: several runners on one machine have one each."""

import threading
from pathlib import Path

from ebats.pipelines.sink import ElasticSink
from ebats.runner.sinks.elastic.segment import ENDING
from ebats.runner.sinks.elastic.spool import Spool

#: More runners of one file than anybody starts on one machine.
_MOST = 1000


def root_of(sink: ElasticSink, state: str) -> Path:
    """Return the folder of a sink's spool; `state` is where the pipeline keeps what outlives its runners."""
    return Path(sink.spool) if sink.spool else Path(state, "spool", sink.name)


class Folders:
    """The numbered folders of one sink's spool. Its methods may be called from any thread."""

    def __init__(self, root: Path, most_bytes: int) -> None:
        """Look in this folder; `most_bytes` are for each of its folders."""
        self.root = root
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._own: Spool | None = None

    @property
    def taken(self) -> Spool | None:
        """Return the spool of this process if it has one by now."""
        return self._own

    @property
    def own(self) -> Spool:
        """Return the spool of this process: the first that nobody else has, with what was left in it.

        Raises:
            OSError: it can't be made.
        """
        with self._lock:
            for number in range(_MOST):
                if self._own is not None:
                    return self._own
                spool = Spool(self.root / str(number), self._most_bytes)
                if spool.open():
                    self._own = spool
            raise OSError(f"all folders in {self.root} are in use")

    def orphan(self) -> Spool | None:
        """Return another one, whose owner is gone and left something, or None.

        Raises:
            OSError: it can't be read.
        """
        mine = self.own.folder
        for folder in sorted(self.root.iterdir()):
            if folder != mine and folder.name.isdigit() and any(folder.glob(f"*{ENDING}")):
                spool = Spool(folder, self._most_bytes)
                if spool.open():
                    if spool.waiting[0]:
                        return spool
                    spool.close()
        return None

    def left(self) -> int:
        """Return how many records wait in folders that no process has.

        Raises:
            OSError: they can't be read.
        """
        found = 0
        for folder in sorted(self.root.glob("[0-9]*")):
            spool = Spool(folder, self._most_bytes)
            if any(folder.glob(f"*{ENDING}")) and spool.open():
                found += spool.waiting[0]
                spool.close()
        return found
