"""Which processes a pipeline runs in, as values: consumers, producers, and the writer."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from ebats.pipelines.former import Former
from ebats.pipelines.model import Consumer, Pipeline
from ebats.pipelines.producer import HttpProducer, Producer, TickProducer
from ebats.pipelines.sink import PythonSink

Role = Literal["consumer", "lane", "gateway", "ticker", "feeder", "writer", "alerter", "trial"]

#: Why a process leaves that has done all that it was there for: nobody follows.
FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """All that a child process needs to know. It is pickled: a child reads no file."""

    role: Role
    #: As its title and its records name it: `orders#2`.
    name: str
    pipeline: Pipeline
    #: Of a consumer process.
    consumer: Consumer | None = None
    #: Of a producer's process.
    producer: Producer | None = None
    #: Of a producer's process: when the run began, Unix ms; the same in all its lives.
    began_ms: int = 0
    #: What left the file, as far as it is known when the process starts.
    former: Former = field(default_factory=Former)
    #: Of the lane: task and message id of the runs during which it died the last times.
    crashed: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Return the title of the process: `ebats: shop orders#2`."""
        return f"ebats: {self.pipeline.name} {self.name}"

    @property
    def with_payload(self) -> bool:
        """Return whether a sink wants payloads and results in the records."""
        if any(task.logs.payload not in (None, "none") for task in self.pipeline.tasks.values()):
            return True
        return any(
            isinstance(sink, PythonSink) or sink.exposure.payload != "none" for sink in self.pipeline.sinks
        )


def consumers(pipeline: Pipeline, only: Collection[str] = ()) -> tuple[ProcessSpec, ...]:
    """Return the consumer processes, numbered from 1 in each consumer; `only`: of these consumers."""
    return tuple(
        ProcessSpec(role="consumer", name=f"{consumer.name}#{number}", pipeline=pipeline, consumer=consumer)
        for consumer in pipeline.consumers.values()
        for number in range(1, consumer.processes + 1)
        if not only or consumer.name in only
    )


def producers(pipeline: Pipeline, began_ms: int, only: Collection[str] = ()) -> tuple[ProcessSpec, ...]:
    """Return the producers' processes: one each, of a gateway as many as the file says.

    `began_ms` says when the run began, a Unix time; `only`: of these producers.
    """
    return tuple(
        ProcessSpec(role=_role(producer), name=name, pipeline=pipeline, producer=producer, began_ms=began_ms)
        for producer in pipeline.producers.values()
        for name in _names(producer)
        if not only or producer.name in only
    )


def _role(producer: Producer) -> Role:
    if isinstance(producer, HttpProducer):
        return "gateway"
    return "ticker" if isinstance(producer, TickProducer) else "feeder"


def _names(producer: Producer) -> list[str]:
    count = producer.processes if isinstance(producer, HttpProducer) else 1
    return [f"{producer.name}#{number}" for number in range(1, count + 1)]


def prefetches(consumer: Consumer) -> dict[str, int]:
    """Return how many messages a process may hold of each queue: its prefetch, split, at least 1 each."""
    share, rest = divmod(consumer.prefetch, max(1, len(consumer.queues)))
    return {
        queue.broker_name: max(1, share + (1 if number < rest else 0))
        for number, queue in enumerate(consumer.queues)
    }
