"""A consumer process: works its queues off, and moves suspects out of the way."""

from collections.abc import Iterator

from ebats.pipelines.model import Task
from ebats.pipelines.plan import ProcessSpec, prefetches
from ebats.runner.execution import settle
from ebats.runner.execution.envelope import Envelope
from ebats.runner.execution.journal import Journal
from ebats.runner.execution.seldom import Seldom
from ebats.runner.execution.slots import Run
from ebats.runner.roles.functions import hook
from ebats.runner.roles.parent import Parent
from ebats.runner.roles.worker import Worker, call_hook


def run(spec: ProcessSpec, journal: Journal, parent: Parent) -> None:
    """Run a consumer process to its end."""
    consumer = spec.consumer
    assert consumer is not None
    worker = Worker(spec, prefetches(consumer), consumer.concurrency, journal, parent, consumer.growth)
    worker.max_tasks, worker.max_memory = consumer.max_tasks, consumer.max_memory
    worker.slots.allowance = consumer.max_tasks
    on_start, on_stop = hook(consumer.on_start), hook(consumer.on_stop)
    worker.engine.on_error = hook(consumer.on_error)
    queues = {queue.name for queue in consumer.queues}
    worker.functions.load(
        task for task in spec.pipeline.tasks.values() if any(queue.name in queues for queue in task.queues)
    )
    worker.engine.schemas.load(_events(spec, queues))
    if on_start:
        on_start()
    worker.engine.admit = Suspects(worker, spec).admit
    worker.engine.on_ended = Progress(parent).note
    journal.log.info(f"takes from {', '.join(sorted(queues))}")
    why = worker.run()
    call_hook(on_stop, journal, why)
    journal.log.info(f"leaves: {why}")


def _events(spec: ProcessSpec, queues: set[str]) -> Iterator[str]:
    """Yield the events that have a task on one of the queues: retries and what was delayed come there too."""
    for event in spec.pipeline.events.values():
        if any(item.queue.name in queues for item in event.tasks):
            yield event.name


class Progress:
    """Tells the parent, once, that a run came to its end: if the process dies now, it got something done."""

    def __init__(self, parent: Parent) -> None:
        self._parent = parent
        self._told = False

    def note(self, _run: Run) -> None:
        """Note that a run has ended."""
        if not self._told:
            self._told = True
            self._parent.tell(progress=True)


class Suspects:
    """Moves what has been cut short twice to the lane, so that the others go on at full speed."""

    def __init__(self, worker: Worker, spec: ProcessSpec) -> None:
        self._worker = worker
        self._pipeline = spec.pipeline
        self._seldom = Seldom()

    def admit(self, envelope: Envelope, task: Task) -> bool:
        """Return whether a run may start here; a suspect is on its way to the lane instead."""
        delivery = envelope.delivery
        if not envelope.is_suspect():
            return True
        worker = self._worker
        worker.engine.settler.count("suspects")
        # One message that kills makes suspects of all that were beside it.
        log = worker.journal.log
        say = log.warning if self._seldom.may_say(task.name) else log.debug
        say(f"{task.name} was cut short again and again: it runs alone from now on", id=envelope.id)
        message = settle.suspect(self._pipeline, envelope, task, envelope.crashes)
        # Not before it is there: a lane that finds nothing leaves.
        worker.engine.settler.pass_on(delivery, message, lambda: worker.parent.tell(suspect=envelope.id))
        return False
