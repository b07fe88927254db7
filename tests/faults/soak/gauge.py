"""What the processes of a run take: memory, descriptors, threads; measured in calms, it has to stay."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

#: What may come beside 5 %: caches of databases that fill, and memory that is kept for reuse.
_NOISE = 6_000_000
_GROWTH = 0.05
#: So many descriptors or threads may come with what is needed for the first time only then.
_LATE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One process in one calm."""

    #: `runner`, `fork server`, `all#1`, `writer`, `gateway#1`, `clock#1`, `lane`.
    name: str
    pid: int
    #: Bytes that it doesn't share with a file.
    memory: int
    descriptors: int
    threads: int


def least(one: list[Sample], other: list[Sample]) -> list[Sample]:
    """Return the lower values of two measurements: what is open for a moment says nothing."""
    others = {sample.pid: sample for sample in other}
    return [_least(sample, others[sample.pid]) for sample in one if sample.pid in others]


def _least(one: Sample, other: Sample) -> Sample:
    return replace(
        one,
        memory=min(one.memory, other.memory),
        descriptors=min(one.descriptors, other.descriptors),
        threads=min(one.threads, other.threads),
    )


def measure(processes: Iterable[psutil.Process]) -> list[Sample]:
    """Measure what is there of these processes."""
    found = []
    for process in processes:
        try:
            title = " ".join(process.cmdline())
            found.append(
                Sample(
                    name=_name(title),
                    pid=process.pid,
                    memory=_memory(process),
                    descriptors=process.num_fds(),
                    threads=process.num_threads(),
                )
            )
        except (psutil.Error, OSError, KeyError):
            continue  # it is just leaving: a process that has ended has no memory
    return found


def _name(title: str) -> str:
    """Return what a process is called within its pipeline: `ebats: shop fork server`."""
    return title.removeprefix("ebats: ").partition(" ")[2].strip() if title.startswith("ebats: ") else title


def _memory(process: psutil.Process) -> int:
    """Return its anonymous memory: what shared files take says nothing about it."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        return int(process.memory_info().rss)
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(fields["RssAnon"].split()[0]) * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """The samples of one process, after its first ones: those are its warm-up."""

    name: str
    first: Sample
    last: Sample
    samples: int

    @property
    def grown(self) -> int:
        """How many bytes of memory it has more at the end."""
        return self.last.memory - self.first.memory

    def faults(self) -> list[str]:
        """Return what hasn't stayed as it was, in words."""
        first, last = self.first, self.last
        found = []
        if self.grown > first.memory * _GROWTH + _NOISE:
            found.append(f"memory from {first.memory:,} to {last.memory:,} bytes")
        if last.descriptors > first.descriptors + _LATE:
            found.append(f"descriptors from {first.descriptors} to {last.descriptors}")
        if last.threads > first.threads + _LATE:
            found.append(f"threads from {first.threads} to {last.threads}")
        return [f"{self.name} (process {first.pid}, {self.samples} calms): {what}" for what in found]


def lives(calms: Iterable[Iterable[Sample]]) -> list[Life]:
    """Return the processes that were there in three calms or more; the first one is warm-up."""
    series: dict[tuple[str, int], list[Sample]] = defaultdict(list)
    for calm in calms:
        for sample in calm:
            series[sample.name, sample.pid].append(sample)
    return [
        Life(name=name, first=samples[1], last=samples[-1], samples=len(samples))
        for (name, _), samples in series.items()
        if len(samples) >= 3
    ]
