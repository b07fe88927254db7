"""What a schema can't say about a file: how its parts fit together."""

from collections.abc import Container

from ebats.pipelines import lease, links_alerts, links_http, links_logs, links_producers, ownership, rules
from ebats.pipelines.addresses import is_pattern
from ebats.pipelines.ladder import format_duration
from ebats.pipelines.model import Consumer, Event, Pipeline, Queue, Task
from ebats.pipelines.source import Path
from ebats.pipelines.topology import event_rung_name, intake_names
from ebats.pipelines.values import Values
from ebats.pipelines.wiring import wire

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
    _check_follow_ups(pipeline, values)
    _check_long_tasks(pipeline, values)
    _check_queues(pipeline, values)
    _check_consumers(pipeline, values)
    _check_ladders(pipeline, values)
    links_producers.check(pipeline, values)
    links_logs.check(pipeline, values)
    links_alerts.check(pipeline, values)


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


def _check_follow_ups(pipeline: Pipeline, values: Values) -> None:
    """Check that what follows from a task can be published, and doesn't start the same task for ever."""
    events = wire(pipeline).events
    for task in pipeline.tasks.values():
        for key, name in (("then", task.then), ("on_dead", task.on_dead)):
            path = ("tasks", task.name, key)
            if name is None or name not in events:
                continue
            if is_pattern(events[name]):
                listed = " or ".join(f"`{each}`" for each in events[name].keys)
                text = f"`{name}` is whatever matches {listed}, so it has no key to be published with"
                values.problem(
                    rules.NO_KEY_TO_PUBLISH,
                    path,
                    text,
                    "add a plain key to that event, or name another event",
                )
            elif task.name in (item.task for item in events[name].tasks):
                text = f"`{name}` runs `{task.name}`, which may lead to `{name}` again, without an end"
                values.problem(
                    rules.CIRCLE, path, text, "name another event, or make sure that it comes to an end"
                )


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


def _check_queues(pipeline: Pipeline, values: Values) -> None:
    used: dict[str, list[Task]] = {}
    for task in pipeline.tasks.values():
        for queue in task.queues:
            used.setdefault(queue.name, []).append(task)
    intakes = intake_names(pipeline)
    for name in values.keys("queues"):
        queue = pipeline.queues[name]
        is_ours = name not in intakes and not queue.external
        is_unused = is_ours and name not in used and not values.has_error("queues", name)
        if is_unused and not _is_any_unknown(values, "queue", pipeline.queues):
            values.problem_at_key(
                rules.UNUSED_QUEUE, ("queues", name), f"no task uses the queue `{name}`", "take it out"
            )
        _check_promises(queue, used.get(name, []), values)


def _check_promises(queue: Queue, tasks: list[Task], values: Values) -> None:
    path = ("queues", queue.name)
    if queue.ack == "early" and not values.has_error(*path, "ack"):
        text = "`ack: early` loses what runs or is held when a process dies"
        values.problem(rules.EARLY_ACK, (*path, "ack"), text, "leave it out where each message counts")
    if queue.type == "classic" and any(task.ladder for task in tasks):
        text = "a classic queue may lose retries when the broker dies, and its tasks have ladders"
        values.problem(rules.CLASSIC_LADDER, (*path, "type"), text, "make it a quorum queue")


def _check_consumers(pipeline: Pipeline, values: Values) -> None:
    rest = None
    for consumer in pipeline.consumers.values():
        path = ("consumers", consumer.name)
        if "queues" not in values.keys(*path):
            _check_rest(pipeline, consumer, rest, values)
            rest = rest or consumer
        names = [queue.name for queue in consumer.queues]
        if len(set(names)) < len(names):
            values.problem_at_key(
                rules.NAMED_TWICE, (*path, "queues"), "a queue stands here twice", "name each once"
            )
        if consumer.prefetch < len(set(names)):
            text = f"a prefetch of {consumer.prefetch} can't be split over {len(set(names))} queues"
            values.problem(rules.SMALL_PREFETCH, (*path, "prefetch"), text, "write at least 1 for each queue")
    _check_consumed(pipeline, values)


def _check_rest(pipeline: Pipeline, consumer: Consumer, first: Consumer | None, values: Values) -> None:
    path = ("consumers", consumer.name)
    if first:
        text = f"`{first.name}` already takes the queues that no other consumer names"
        values.problem_at_key(rules.TWO_RESTS, path, text, "give one of them `queues`")
    elif values.is_broken("queues") or values.is_broken("tasks"):
        return
    elif not pipeline.queues:
        text = f"`{consumer.name}` has nothing to take: there is no task"
        values.problem_at_key(rules.NOTHING_TO_TAKE, path, text, "add `tasks`, or take it out")
    elif not consumer.queues:
        text = f"`{consumer.name}` has nothing to take: the other consumers name every queue"
        values.problem_at_key(rules.NOTHING_TO_TAKE, path, text, "take it out")


def _check_consumed(pipeline: Pipeline, values: Values) -> None:
    for name in pipeline.consumers:
        path = ("consumers", name, "queues")
        named = [item for _, item in values.items(*path)]
        if values.is_broken(*path) or not all(item in pipeline.queues for item in named):
            return
    consumed = {queue.name for consumer in pipeline.consumers.values() for queue in consumer.queues}
    reported: set[str] = set()
    for task in pipeline.tasks.values():
        for queue in (each.name for each in task.queues):
            _check_taken(queue, task.name, consumed, reported, values)
    for queue in intake_names(pipeline):
        _check_taken(queue, None, consumed, reported, values)


def _check_taken(
    queue: str, task: str | None, consumed: set[str], reported: set[str], values: Values
) -> None:
    if queue in consumed | reported:
        return
    reported.add(queue)
    is_tasks_own = task is not None and queue not in values.keys("queues")
    place = ("tasks", task) if task is not None and is_tasks_own else ("queues", queue)
    what = "its tasks would never run" if task is not None else "its event would never happen"
    text = f"no consumer takes the queue `{queue}`, so {what}"
    values.problem_at_key(
        rules.NOT_CONSUMED, place, text, "name it in a consumer's `queues`, or add one without `queues`"
    )


def _check_ladders(pipeline: Pipeline, values: Values) -> None:
    used = [values.get("tasks", name, "retry") for name in pipeline.tasks]
    for name in values.keys("ladders"):
        is_unused = name not in used and not values.has_error("ladders", name)
        if is_unused and not _is_any_unknown(values, "retry", values.keys("ladders")):
            values.problem_at_key(
                rules.UNUSED_LADDER, ("ladders", name), f"no task uses the ladder `{name}`", "take it out"
            )


def _is_any_unknown(values: Values, key: str, known: Container[str]) -> bool:
    """Return whether some task's key names nothing, or can't be read: it may be what is missing elsewhere."""
    named = [values.get("tasks", task, key) for task in values.keys("tasks")]
    if any(isinstance(name, str) and name not in known for name in named):
        return True
    return values.is_broken("tasks") or any(
        values.is_broken("tasks", task, key) for task in values.keys("tasks")
    )
