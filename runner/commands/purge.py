"""`ebats purge FILE QUEUE`: a queue is emptied, after asking."""

import sys
from collections.abc import Mapping

from ebats.pipelines.counting import counted
from ebats.pipelines.load import load
from ebats.pipelines.problems import UsageError
from ebats.runner.broker.inspect import counts
from ebats.runner.broker.purge import purge
from ebats.runner.broker.reach import reach
from ebats.runner.commands import queues
from ebats.runner.commands.ask import is_sure
from ebats.runner.commands.say import say


def main(file: str, environ: Mapping[str, str], queue: str, *, yes: bool, wait_s: float = 10.0) -> int:
    """Delete the messages of a queue, and print how many; return 0, or 1 where somebody said no.

    What runs at this moment isn't touched.

    Raises:
        UsageError: there is no such queue, it is somebody else's, or nobody can be asked.
        EbatsError: the file is bad, or the broker can't be reached.
    """
    pipeline = load(file, environ)
    name = queues.on_broker(pipeline, queue)
    if any(item.external for item in pipeline.queues.values() if item.broker_name == name):
        raise UsageError(f"the queue {queue!r} is somebody else's (external): empty it where it is theirs")
    with reach(pipeline, wait_s, say) as connection:
        ready = counts(connection, [name])[name]
    if not ready:
        sys.stdout.write(f"{name} is empty\n" if ready == 0 else f"{name} isn't on the broker yet\n")
        return 0
    # Somebody may think for long: no connection waits for that.
    if not is_sure(f"Delete {counted(ready, 'message')} of {name} for good?", yes=yes):
        say("info", "nothing was deleted")
        return 1
    with reach(pipeline, wait_s, say) as connection:
        gone = purge(connection, name)
    sys.stdout.write(f"{counted(gone, 'message')} deleted from {name}\n")
    return 0
