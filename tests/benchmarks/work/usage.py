"""What a piece of work took of this process: printed as JSON, for the benchmark that started it."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil


@contextmanager
def measured(**more: float) -> Iterator[None]:
    """Print seconds, processor seconds and memory of what is inside, with `more`."""
    me = psutil.Process()
    before, began = me.cpu_times(), time.perf_counter()
    yield
    seconds, after = time.perf_counter() - began, me.cpu_times()
    cpu_s = after.user + after.system - before.user - before.system
    found = {"seconds": seconds, "cpu_s": cpu_s, "pss": me.memory_full_info().pss, **more}
    sys.stdout.write(json.dumps(found) + "\n")
