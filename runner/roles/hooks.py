"""The hooks of consumers in the lane, which runs the tasks of all of them."""

from ebats.pipelines.model import Consumer, Pipeline
from ebats.runner.execution.api import Context
from ebats.runner.execution.call import failed
from ebats.runner.execution.journal import Journal
from ebats.runner.roles.functions import hook
from ebats.runner.roles.worker import call_hook


class Hooks:
    """Calls a consumer's hooks where a task of its queues runs, and only then."""

    def __init__(self, pipeline: Pipeline, journal: Journal) -> None:
        self._pipeline = pipeline
        self._journal = journal
        self._started: dict[str, Consumer] = {}

    def start(self, queue: str) -> None:
        """Call `on_start` of the consumers that take from a queue, by its name in the file, each once.

        One that fails is written down, and the task is tried all the same: it may not need what failed.
        """
        for consumer in self._of(queue):
            if consumer.name not in self._started:
                self._started[consumer.name] = consumer
                self._call_start(consumer)

    def on_error(self, context: Context, error: BaseException) -> None:
        """Call `on_error` of the consumers that take from the queue that the failed attempt came from."""
        for consumer in self._of(context.queue):
            if on_error := hook(consumer.on_error):
                on_error(context, error)

    def stop(self, why: str) -> None:
        """Call `on_stop` where `on_start` was."""
        for consumer in self._started.values():
            call_hook(hook(consumer.on_stop), self._journal, why)

    def _of(self, queue: str) -> list[Consumer]:
        return [
            consumer
            for consumer in self._pipeline.consumers.values()
            if any(each.name == queue for each in consumer.queues)
        ]

    def _call_start(self, consumer: Consumer) -> None:
        try:
            if on_start := hook(consumer.on_start):
                on_start()
        except BaseException as error:  # whatever it is, the lane has to go on
            what = failed(error)
            self._journal.log.error(f"on_start of {consumer.name} failed: {what.error}: {what.text}")
