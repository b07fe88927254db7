"""Send what a spool holds, oldest first, in a thread of its own: whatever Elasticsearch does, it goes on."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from ebats.pipelines.sink import ElasticSink
from ebats.runner.sinks.elastic.connect import Away, Connection
from ebats.runner.sinks.elastic.folders import Folders
from ebats.runner.sinks.elastic.rejects import Rejects
from ebats.runner.sinks.elastic.setup import Preparation
from ebats.runner.sinks.elastic.spool import InHand, Spool
from ebats.runner.sinks.elastic.verdict import Refused, Verdict, judge
from ebats.runner.sinks.elastic.waits import Waits

#: What runners left that have gone since is looked for so often.
_LOOK_EVERY_S = 10.0
#: Requests never ask for less.
_LEAST_BYTES = 1000
_TOO_LARGE = 413
#: Single records refused with nothing accepted beside them: then it isn't their fault.
_MOST_SUSPECTS = 3
_LAST_PAUSE_S = 0.2


@dataclass(slots=True)
class Tally:
    """What came of records, since this process began."""

    sent: int = 0
    rejected: int = 0
    #: Why the last record was refused.
    why_rejected: str = ""
    #: Why nothing is sent at the moment; None: it is.
    error: str | None = None


@dataclass(slots=True)
class _Round:
    """One try to send some items."""

    taken: int = 0
    refused: list[Refused] = field(default_factory=list)
    again: list[bytes] = field(default_factory=list)
    trouble: str | None = None
    retry_after: str | None = None
    #: No host was reached: another one may be.
    unreached: bool = False


class Sender:
    """One thread and one connection; it takes from the spool and settles what has an answer."""

    def __init__(self, sink: ElasticSink, folders: Folders) -> None:
        """Send to the sink's hosts, from `start` on."""
        self._stream = sink.data_stream
        self._rules = sink.batch
        self._folders = folders
        self._orphan: Spool | None = None
        self._look_at = 0.0
        self._connection = Connection(sink)
        self._preparation = Preparation(sink, self._connection)
        self.rejects = Rejects(folders.root)
        self._waits = Waits(len(sink.hosts))
        self._hurry = threading.Event()
        self.tally = Tally()
        self._thread = threading.Thread(target=self._run, name=f"sender {sink.name}", daemon=True)

    def start(self) -> None:
        """Begin, with what a former process left."""
        self._thread.start()

    def finish(self) -> None:
        """Send what is left, as long as that goes well, and return when it is done."""
        self._hurry.set()
        with suppress(OSError):
            self._folders.own.wake()
        self._thread.join()

    def notes(self) -> Iterator[str]:
        """Yield what people should know about index template and data stream, each once."""
        while self._preparation.notes:
            yield self._preparation.notes.popleft()

    @property
    def adopted(self) -> tuple[int, int]:
        """Return how many records, and bytes, of a runner that is gone are being sent."""
        orphan = self._orphan
        return orphan.waiting if orphan else (0, 0)

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            try:
                goes_on = self._step() if self._preparation.done else self._prepare()
            except Exception as error:  # a full disk, or a fault of ours: neither ends the sending
                goes_on = self._pause(f"{type(error).__name__}: {error}")
        if self._orphan:
            self._orphan.close()
        self._connection.close()

    def _prepare(self) -> bool:
        try:
            self._preparation.run()
        except Away as away:
            return self._pause(str(away), unreached=True)
        self._waits.reset()
        return True

    def _step(self) -> bool:
        """Send one batch, or wait for it; return False when it is time to end."""
        own = self._folders.own
        most_s = 0.0 if self._orphan else max(0.0, self._look_at - time.monotonic())
        if hand := own.wait(self._rules, most_s, self._hurry):
            return self._deliver(own, hand)
        if self._hurry.is_set():
            return False
        if self._orphan is None:
            self._look_at = time.monotonic() + _LOOK_EVERY_S
            self._orphan = self._folders.orphan()
        elif hand := self._orphan.take(self._rules):
            return self._deliver(self._orphan, hand)
        else:
            self._orphan.close()
            own.counts.damaged += self._orphan.counts.damaged
            self._orphan = None
        return True

    def _deliver(self, spool: Spool, hand: InHand) -> bool:
        """Send until each item has an answer that is final; return False when it is time to end."""
        taken = 0
        refused: list[Refused] = []
        left = hand.items
        try:
            while left:
                found = self._send(left)
                taken, refused = taken + found.taken, refused + found.refused
                left = found.again
                if found.taken or found.refused:
                    self._waits.reset()
                if left and not self._pause(
                    found.trouble or "it refuses",
                    found.retry_after,
                    unreached=found.unreached,
                    progress=bool(found.taken),
                ):
                    return False
            self._keep(refused)
            spool.settle()
        finally:
            spool.give_back()
        self.tally.sent += taken
        self.tally.error = None
        return True

    def _send(self, items: list[bytes]) -> _Round:
        """Send items once, in parts as small as the server wants them."""
        found = _Round()
        parts = [items]
        suspects: list[Refused] = []
        while parts:
            part = parts.pop()
            try:
                verdict = judge(self._connection.bulk(part), part, self._stream)
            except Away as away:
                found.unreached = True
                verdict = Verdict(kind="again", again=part, trouble=str(away))
            found.trouble = verdict.trouble or found.trouble
            found.retry_after = verdict.retry_after
            if verdict.kind == "smaller" and len(part) > 1:
                parts += self._halves(part, verdict)
            elif verdict.kind == "smaller":
                one = Refused(item=part[0], status=verdict.status, reason=verdict.trouble or "")
                (found.refused if verdict.status == _TOO_LARGE else suspects).append(one)
            else:
                found.taken += verdict.taken
                found.refused += verdict.refused
                found.again += verdict.again
            if verdict.kind == "again" or (len(suspects) >= _MOST_SUSPECTS and not found.taken):
                found.again += [item for part in reversed(parts) for item in part]
                break
        if found.taken:
            found.refused += suspects
        else:
            found.again += [each.item for each in suspects]
        return found

    def _halves(self, part: list[bytes], verdict: Verdict) -> list[list[bytes]]:
        """Return the halves of a part, the first one last, and make requests smaller from now on."""
        if verdict.status == _TOO_LARGE:
            size = max(_LEAST_BYTES, sum(map(len, part)) // 2)
            self._rules = replace(self._rules, size=min(self._rules.size, size))
        half = len(part) // 2
        return [part[half:], part[:half]]

    def _keep(self, refused: list[Refused]) -> None:
        """Write what Elasticsearch will never take to the reject file."""
        if not refused:
            return
        why = refused[-1].reason
        try:
            self.rejects.write(refused)
        except OSError as error:
            # They would hold up all that comes after them, on a disk that is full already.
            why = f"{why} (not in the file: {error.strerror or error})"
        self.tally.rejected += len(refused)
        self.tally.why_rejected = why

    def _pause(
        self,
        trouble: str,
        retry_after: str | None = None,
        *,
        unreached: bool = False,
        progress: bool = False,
    ) -> bool:
        """Wait before the next try; return False where there is none, for this process is to end."""
        self.tally.error = trouble
        if self._hurry.is_set():
            time.sleep(_LAST_PAUSE_S if progress else 0.0)
            return progress
        self._hurry.wait(self._waits.next_s(retry_after, other_host=unreached))
        return True
