"""What processes take: processor time and memory, of a whole tree, read from outside."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from statistics import mean

import psutil

from tests.benchmarks.counter import Counter


def cpu_s(pid: int) -> float:
    """Return the processor seconds of a process, its living descendants, and those they have waited for."""
    total = 0.0
    for process in tree(pid):
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def pss_mb(pid: int) -> float:
    """Return the proportional set size of a process in MB: what is shared is counted in part."""
    return float(psutil.Process(pid).memory_full_info().pss) / 1e6


def total_mb(pid: int) -> float:
    """Return the proportional set sizes of a process and all its descendants in MB."""
    total = 0.0
    for process in tree(pid):
        with suppress(psutil.Error):
            total += pss_mb(process.pid)
    return total


def tree(pid: int) -> list[psutil.Process]:
    """Return a process and all its descendants; none if it is gone."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def task_mb(pid: int, counter: Counter) -> float:
    """Return the proportional set size of a process that ran tasks in MB: the mean of all that did.

    They aren't alike: of Celery's pool, the process that is forked first is 5 MB larger than the next. Where
    others raise the counter, as a server that is asked, it is the process that took most processor time.
    """
    ran = [one for one in tree(pid) if counter.is_raised_by(_threads(one))] or [_busiest(pid)]
    return mean(pss_mb(one.pid) for one in ran)


def _threads(process: psutil.Process) -> list[int]:
    with suppress(psutil.Error):
        return [one.id for one in process.threads()]
    return []


def _busiest(pid: int) -> psutil.Process:
    return max(tree(pid)[1:] or tree(pid), key=_own_cpu_s)


def _own_cpu_s(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


@dataclass
class Span:
    """Wall and processor seconds of what is inside `span()`."""

    seconds: float = 0.0
    client_s: float = 0.0
    broker_s: float = 0.0


@contextmanager
def span(client: int, broker: int | None) -> Iterator[Span]:
    """Measure what is inside, of a client's and a broker's processes; the sums are there at its end."""
    found = Span()
    began, client_s, broker_s = time.perf_counter(), cpu_s(client), cpu_s(broker) if broker else 0.0
    yield found
    found.seconds = time.perf_counter() - began
    found.client_s = cpu_s(client) - client_s
    found.broker_s = cpu_s(broker) - broker_s if broker else 0.0
