"""Runs that outlive the broker's consumer timeout: when their messages are parked, for how long, and where.

RabbitMQ takes back what isn't acknowledged in time (https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout),
and looks once a minute. All times here are shares of that one, in seconds.
"""

from ebats.pipelines.model import Broker, Pipeline, Task
from ebats.pipelines.topology import Arguments, rung_arguments, task_key

#: What waits behind others so long is handed back, where the broker has no consumer timeout.
_WAITING_S = 300.0


def is_long(broker: Broker, task: Task) -> bool:
    """Return whether a run of a task may be at work when the broker takes its message back."""
    limit_s = broker.consumer_timeout_s
    if limit_s is None or all(queue.ack == "early" for queue in task.queues):
        return False
    return task.timeout_s is None or task.timeout_s > longest_s(limit_s)


def longest_s(limit_s: float) -> float:
    """Return how long a run may take without being parked: there is time left to wait for a slot before."""
    return limit_s * 2 / 3


def waiting_s(broker: Broker) -> float:
    """Return how long a message may wait in a process for a slot."""
    return _WAITING_S if broker.consumer_timeout_s is None else broker.consumer_timeout_s / 6


def held_s(limit_s: float) -> float:
    """Return how old a delivery is when it is parked."""
    return limit_s / 3


def lease_s(limit_s: float) -> float:
    """Return how long a lease lasts: so late a message comes back whose process was killed."""
    return limit_s / 4


def renewed_s(limit_s: float) -> float:
    """Return after how long a lease is replaced: the broker may be away for the rest of its time."""
    return limit_s / 12


def prefix(pipeline: Pipeline) -> str:
    """Return how the names of all lease queues begin: `shop.lease.`."""
    return pipeline.on_broker("lease.")


def arguments(pipeline: Pipeline, task: Task, queue: str, limit_s: float) -> Arguments:
    """Return the arguments of a lease queue: its message comes back to `queue`, a broker's name.

    There is no `x-expires`: it would take the message along, for instance when a broker was away for long.
    """
    back_to = next((each for each in task.queues if each.broker_name == queue), task.queue)
    return rung_arguments(pipeline, int(lease_s(limit_s) * 1000), task_key(task, back_to))
