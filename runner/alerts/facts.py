"""What the alerter is told by the other processes, as values, and as datagrams."""

import socket
from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from ebats.runner.alerts.wording import Sample

K = TypeVar("K")

#: Samples of each kind that are kept of one task.
SAMPLES = 3


class Counts(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of the attempts of one task that one event led to. Those that were put off don't count."""

    #: Attempts that ended, in whatever way.
    executions: int = 0
    retries: int = 0
    dead: int = 0
    #: Attempts that took longer, by the `slow` thresholds in seconds, as texts.
    slower: dict[str, int] = {}
    #: Run times: bucket to count; see `histogram`.
    times: dict[int, int] = {}
    #: Number of the attempt, from 2, to count.
    attempts: dict[int, int] = {}
    #: Some of each: the dead letters, the retries.
    dead_samples: list[Sample] = []
    retry_samples: list[Sample] = []
    #: That of the highest attempt, and that of the longest.
    highest: int = 0
    highest_sample: Sample | None = None
    longest_s: float = 0.0
    longest_sample: Sample | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was counted."""
        return not self.executions

    def add(self, other: "Counts") -> None:
        """Add what was counted elsewhere, later; the newer samples stay."""
        self.executions += other.executions
        self.retries += other.retries
        self.dead += other.dead
        _add(self.slower, other.slower)
        _add(self.times, other.times)
        _add(self.attempts, other.attempts)
        self._show(other)

    def _show(self, other: "Counts") -> None:
        self.dead_samples = (self.dead_samples + other.dead_samples)[-SAMPLES:]
        self.retry_samples = (self.retry_samples + other.retry_samples)[-SAMPLES:]
        if other.highest >= self.highest:
            self.highest, self.highest_sample = other.highest, other.highest_sample
        if other.longest_s >= self.longest_s:
            self.longest_s, self.longest_sample = other.longest_s, other.longest_sample

    def subtract(self, other: "Counts") -> None:
        """Take away what was added before. Samples and extremes stay: see `show`."""
        self.executions -= other.executions
        self.retries -= other.retries
        self.dead -= other.dead
        _subtract(self.slower, other.slower)
        _subtract(self.times, other.times)
        _subtract(self.attempts, other.attempts)

    def show(self, parts: Iterable["Counts"]) -> None:
        """Take samples and extremes from these alone, the oldest first."""
        self.dead_samples, self.retry_samples = [], []
        self.highest, self.highest_sample, self.longest_s, self.longest_sample = 0, None, 0.0, None
        for part in parts:
            self._show(part)


def _add(counts: dict[K, int], others: Mapping[K, int]) -> None:
    for key, count in others.items():
        counts[key] = counts.get(key, 0) + count


def _subtract(counts: dict[K, int], others: Mapping[K, int]) -> None:
    for key, count in others.items():
        left = counts.get(key, 0) - count
        if left > 0:
            counts[key] = left
        else:
            counts.pop(key, None)


class TaskCounts(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The counts of a task, of the messages of one event."""

    #: Empty: unknown, for the message couldn't be read.
    task: str = ""
    event: str = ""
    counts: Counts


class SinkFacts(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How a sink is; the counts are since the writer started."""

    error: str | None = None
    #: What it has taken, and what has arrived behind its spool.
    written: int = 0
    sent: int = 0
    #: What waits in memory, and in its spool.
    waiting: int = 0
    spooled: int = 0
    #: What found no room.
    lost: int = 0


class Told(msgspec.Struct, kw_only=True, omit_defaults=True, tag="told"):
    """What the writer has seen since it told last."""

    #: The writer's process: a new one counts from 0.
    pid: int = 0
    tasks: list[TaskCounts] = []
    #: Queue to when the newest message that was taken from it came into it, a Unix time, where it says so.
    taken: dict[str, float] = {}
    #: Queue to how many attempts have ended whose messages came from it.
    ended: dict[str, int] = {}
    sinks: dict[str, SinkFacts] = {}


class Died(msgspec.Struct, kw_only=True, omit_defaults=True, tag="died"):
    """A process of the run died."""

    #: As its title names it: `orders#2`.
    process: str
    #: In words: `killed by SIGSEGV`.
    how: str
    pid: int = 0


Fact = Told | Died

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Fact] = msgspec.json.Decoder(Told | Died)
#: More than any datagram has.
LARGEST = 4 * 1024 * 1024


def encode(item: Fact | TaskCounts) -> bytes:
    """Return a fact, or a part of one, as it is sent."""
    return _encoder.encode(item)


def send(out: socket.socket, fact: Fact) -> bool:
    """Send a fact to the alerter without waiting; False: there is no room, or no such datagram."""
    try:
        out.send(encode(fact), socket.MSG_DONTWAIT)
    except OSError:
        return False
    return True


def decode(data: bytes | memoryview) -> Fact:
    """Return the fact of a datagram.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    return _decoder.decode(data)
