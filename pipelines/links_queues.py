"""What a schema can't say about queues: what uses them, who consumes them, which ladders there are."""

from collections.abc import Container

from ebats.pipelines import rules
from ebats.pipelines.model import Consumer, Pipeline, Queue, Task
from ebats.pipelines.suggestion import suggest
from ebats.pipelines.topology import derive, intake_names
from ebats.pipelines.values import Values


def check(pipeline: Pipeline, values: Values) -> None:
    """Note in `values.problems` what doesn't fit in queues, consumers and ladders, and what is of no use."""
    _check_queues(pipeline, values)
    _check_consumers(pipeline, values)
    _check_ladders(pipeline, values)
    _check_generations(pipeline, values)


def _check_generations(pipeline: Pipeline, values: Values) -> None:
    """Check that each queue that is to be made anew is one of the pipeline's own."""
    if not pipeline.generations or values.has_error():
        return
    prefix = pipeline.on_broker("")
    known = {queue.name.removeprefix(prefix).partition("~")[0] for queue in derive(pipeline).queues}
    known -= {queue.broker_name.removeprefix(prefix) for queue in pipeline.queues.values() if queue.external}
    for name in pipeline.generations:
        if name not in known and not name.startswith("ticks."):
            text = f"there is no queue `{name}`, so nothing is made anew"
            near = suggest(name, sorted(known))
            hint = near if near.startswith("did") else "take it out"
            values.problem_at_key(rules.UNKNOWN_GENERATION, ("generations", name), text, hint)


def _check_queues(pipeline: Pipeline, values: Values) -> None:
    used: dict[str, list[Task]] = {}
    for task in pipeline.tasks.values():
        for queue in task.queues:
            used.setdefault(queue.name, []).append(task)
    intakes = intake_names(pipeline)
    for name in values.keys("queues"):
        queue = pipeline.queues[name]
        is_ours = name not in intakes and not queue.external
        is_taken = any(queue in consumer.queues for consumer in _with_queues(pipeline, values))
        is_unused = is_ours and name not in used and not is_taken and not values.has_error("queues", name)
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
        _check_use(pipeline, consumer, values)
    _check_consumed(pipeline, values)


def _with_queues(pipeline: Pipeline, values: Values) -> list[Consumer]:
    """Return the consumers that name their queues."""
    return [each for each in pipeline.consumers.values() if "queues" in values.keys("consumers", each.name)]


def _check_use(pipeline: Pipeline, consumer: Consumer, values: Values) -> None:
    """Check that something comes from each queue that a consumer names."""
    used = {queue.name for task in pipeline.tasks.values() for queue in task.queues} | intake_names(pipeline)
    known = pipeline.queues
    if _is_any_unknown(values, "queue", known) or values.has_error("events"):
        return
    for index, name in values.items("consumers", consumer.name, "queues"):
        if name in known and name not in used and not known[name].external:
            text = f"no task runs from `{name}`, so `{consumer.name}` takes nothing from it"
            path = ("consumers", consumer.name, "queues", index)
            values.problem(rules.IDLE_QUEUE, path, text, "give the queue to a task, or take it out")


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
