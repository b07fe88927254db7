"""What a schema can't say about a file: how its parts fit together."""

from ebats.pipelines import (
    lease,
    links_alerts,
    links_fields,
    links_follow_ups,
    links_http,
    links_logs,
    links_producers,
    links_queues,
    links_secrets,
    ownership,
    rules,
)
from ebats.pipelines.ladder import format_duration
from ebats.pipelines.model import Event, Pipeline
from ebats.pipelines.source import Path
from ebats.pipelines.topology import event_rung_name
from ebats.pipelines.values import Values

#: Of exchanges, queues and keys.
_LONGEST_NAME = 255


def check(pipeline: Pipeline, values: Values) -> None:
    """Note in `values.problems` what doesn't fit, and what is doubtful, in a resolved pipeline."""
    for event in pipeline.events.values():
        _check_exchange_and_key(event, values)
        _check_tasks_once(event, values)
        _check_task_queues(pipeline, event, values)
        _check_labels(event, values)
    ownership.check(pipeline, values)
    links_http.check(pipeline, values)
    links_fields.check(pipeline, values)
    links_follow_ups.check(pipeline, values)
    _check_long_tasks(pipeline, values)
    links_queues.check(pipeline, values)
    links_producers.check(pipeline, values)
    links_logs.check(pipeline, values)
    links_alerts.check(pipeline, values)
    links_secrets.check(values)


def _check_exchange_and_key(event: Event, values: Values) -> None:
    path = ("events", event.name)
    if event.queue:
        for key in {"exchange", "key"} & values.keys(*path):
            text = f"`{event.name}` comes from a `queue` and has `{key}` too"
            values.problem_at_key(
                rules.BOTH_KEYS, (*path, key), text, "keep one of them: everything in the queue is the event"
            )
        return
    has_exchange, has_key = ("exchange" in values.keys(*path), "key" in values.keys(*path))
    if has_key != has_exchange and values.is_any_broken(path, ("exchange", "key")):
        return
    if has_key and not has_exchange:
        text = "`key` stands here without `exchange`"
        values.problem_at_key(
            rules.LONELY_KEY, (*path, "key"), text, "add it, or take `key` out: an event's key is its name"
        )
    elif event.exchange and event.exchange.type == "fanout" and has_key:
        text = f"the exchange `{event.exchange.name}` is a fanout, which has no keys"
        values.problem_at_key(
            rules.EVENT_ADDRESS, (*path, "key"), text, "take `key` out, or give the exchange another type"
        )
    elif event.exchange and event.exchange.type != "fanout" and not has_key:
        text = f"`{event.name}` has an `exchange` but no `key`"
        values.problem_at_key(
            rules.EVENT_ADDRESS, (*path, "exchange"), text, 'add `key`, a pattern such as "orders.*"'
        )
    elif event.exchange and has_key and not values.is_broken(*path, "key"):
        _check_pattern(event, event.exchange.type, values)


def _check_pattern(event: Event, exchange_type: str, values: Values) -> None:
    path = ("events", event.name, "key")
    if isinstance(values.get(*path), str):
        _check_key(path, event.keys[0], exchange_type, values)
        return
    seen: set[str] = set()
    for index, key in values.items(*path):
        _check_key((*path, index), key, exchange_type, values)
        if key in seen:
            values.problem(
                rules.NAMED_TWICE,
                (*path, index),
                f"`{key}` is a key of this event already",
                "keep one of them",
            )
        seen.add(key)


def _check_key(path: Path, key: str, exchange_type: str, values: Values) -> None:
    words = key.split(".")
    if len(key.encode()) > 255:
        values.problem(rules.LONG_NAME, path, "a key is 255 bytes at most", "shorten it")
    if exchange_type == "direct" and {"*", "#"} & set(words):
        text = "a direct exchange knows no patterns: it would take this key to the letter"
        values.problem(
            rules.PATTERN_ON_DIRECT, path, text, "write the whole key, or make the exchange a topic one"
        )
    elif exchange_type == "topic" and any(len(word) > 1 and {"*", "#"} & set(word) for word in words):
        text = "`*` and `#` stand for whole words between dots, and are nothing special inside one"
        values.problem(rules.STAR_IN_WORD, path, text, "put dots around them")


def _check_task_queues(pipeline: Pipeline, event: Event, values: Values) -> None:
    """Check that each task of an event runs from one of its own queues."""
    items = {item.place: item for item in event.tasks}
    for index, _ in values.items("events", event.name, "tasks"):
        path = ("events", event.name, "tasks", index)
        item = items.get(values.source.place(path))
        if item and item.queue not in item.task.queues:
            allowed = " or ".join(f"`{queue.name}`" for queue in item.task.queues)
            text = f"`{item.task.name}` may not run from the queue `{item.queue.name}`"
            hint = f"write {allowed}, or add it to `queues` of the task"
            values.problem(rules.NOT_ALLOWED_QUEUE, (*path, "queue"), text, hint)
        if item and item.delay_ms and len(event_rung_name(pipeline, event, item)) > _LONGEST_NAME:
            text = "the names of this pipeline, event, task and queue are too long to stand in a rung's"
            values.problem(
                rules.LONG_NAME,
                (*path, "delay"),
                text,
                f"shorten one: {_LONGEST_NAME} characters is all AMQP allows",
            )


def _check_tasks_once(event: Event, values: Values) -> None:
    seen: set[str | None] = set()
    path = ("events", event.name, "tasks")
    for index, item in values.items(*path):
        name = item if isinstance(item, str) else values.get(*path, index, "task")
        if name in seen:
            values.problem(
                rules.NAMED_TWICE,
                (*path, index),
                f"`{name}` is a task of this event already",
                "keep one of them",
            )
        seen |= {name} - {None}


def _check_labels(event: Event, values: Values) -> None:
    if event.labels and event.format != "json":
        text = f"a payload of format `{event.format}` has no fields to label records with"
        values.problem_at_key(
            rules.NOT_FOR_FORMAT, ("events", event.name, "labels"), text, "take `labels` or `format` out"
        )


def _check_long_tasks(pipeline: Pipeline, values: Values) -> None:
    """Check that a task which may outlive the broker's consumer timeout can be parked."""
    broker = pipeline.broker
    if broker.declare != "never" or broker.consumer_timeout_s is None:
        return
    limit, longest = (
        format_duration(int(seconds * 1000))
        for seconds in (broker.consumer_timeout_s, lease.longest_s(broker.consumer_timeout_s))
    )
    for task in pipeline.tasks.values():
        if lease.is_long(broker, task):
            text = f"`{task.name}` may hold its message for longer than RabbitMQ lets it ({limit})"
            why = "with `declare: never` ebats can't park it meanwhile"
            hint = (
                f"write a timeout of {longest} at most, or `consumer_timeout: none` where the broker has none"
            )
            path = ("tasks", task.name, "timeout")
            written = "timeout" in values.keys("tasks", task.name)
            values.problem_at_key(rules.UNPARKABLE, path if written else path[:2], f"{text}, and {why}", hint)
