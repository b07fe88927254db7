"""`ebats prune FILE`: what left the file is deleted from the broker, after showing it and asking."""

import sys
import time
from collections.abc import Callable, Mapping

from ebats.pipelines.counting import counted
from ebats.pipelines.load import load
from ebats.runner.broker.prune import left, prune
from ebats.runner.broker.reach import BrokerAway
from ebats.runner.commands.ask import is_sure
from ebats.runner.commands.say import say


def main(file: str, environ: Mapping[str, str], *, yes: bool, wait_s: float = 10.0) -> int:
    """Delete what left the file, and is empty; return 0, or 1 where somebody said no.

    Raises:
        TopologyMismatch: the file isn't what was applied last.
        UsageError: nobody can be asked.
        EbatsError: the file is bad, or the broker can't be reached.
    """
    pipeline = load(file, environ)
    found = left(pipeline, say, _patience(wait_s))
    if found is None:
        raise BrokerAway(f"gave up waiting, after {wait_s:g} s")
    if not found:
        sys.stdout.write(f"{pipeline.name}: nothing is left of former files\n")
    for each in found:
        fate = f"stays: {each.why}" if each.why else "empty, and not in the file any more"
        sys.stdout.write(f"  {' ' if each.why else '-'} {each.what:<9} {each.name}  {fate}\n")
    sys.stdout.flush()
    free = [each.name for each in found if each.why is None]
    if found and not free:
        sys.stdout.write("nothing can be deleted yet\n")
    if free and not is_sure(f"Delete {counted(len(free), 'thing')} for good?", yes=yes):
        say("info", "nothing was deleted")
        return 1
    # Also where nothing is there any more: what was kept of former files may be forgotten then.
    gone = prune(pipeline, free, say, _patience(wait_s))
    if gone is None:
        raise BrokerAway(f"gave up waiting, after {wait_s:g} s; say it again")
    if free:
        sys.stdout.write(f"{counted(len(gone), 'thing')} deleted\n")
    if len(gone) < len(free):
        kept = ", ".join(sorted({*free} - {each.name for each in gone}))
        say("info", f"still there, for somebody uses them now: {kept}")
    return 0


def _patience(wait_s: float) -> Callable[[], bool]:
    deadline = time.monotonic() + wait_s
    return lambda: time.monotonic() > deadline
