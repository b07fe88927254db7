"""The queues of a pipeline as the command line names them: as the file does, and as `status` does."""

from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import UsageError
from ebats.pipelines.suggestion import suggest
from ebats.pipelines.topology import derive


def names(pipeline: Pipeline) -> dict[str, str]:
    """Return the broker's name of each queue that may be named: work, rungs, `dead`, `suspects`.

    A rung is `5s`, or `10s.EVENT.TASK`. What is somebody else's is among them.
    """
    found = {queue.name: queue.broker_name for queue in pipeline.queues.values()}
    delays = pipeline.on_broker("delay.")
    for queue in derive(pipeline).of_kind("rung"):
        found.setdefault(queue.name.removeprefix(delays), queue.name)
    return found | {name: pipeline.queue_on_broker(name) for name in ("dead", "suspects")}


def on_broker(pipeline: Pipeline, name: str) -> str:
    """Return what the broker calls a queue.

    Raises:
        UsageError: there is no such queue.
    """
    known = names(pipeline)
    if (found := known.get(name.removeprefix("delay."))) is None:
        hint = suggest(name, known)
        text = f"{pipeline.file} has no queue {name!r}"
        raise UsageError(f"{text}; {hint}" if hint else text)
    return found
