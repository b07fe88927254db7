"""What a schema can't say about clocks: their lines, their time zones, and what they publish."""

from ebats.pipelines import rules
from ebats.pipelines.addresses import Unaddressable, of_event
from ebats.pipelines.leaves import texts
from ebats.pipelines.model import Event, Pipeline
from ebats.pipelines.producer import TickProducer
from ebats.pipelines.values import Values
from ebats.pipelines.wiring import wire


def check(pipeline: Pipeline, values: Values) -> None:
    """Note in `values.problems` what is wrong with the clocks of a resolved pipeline."""
    for producer in pipeline.producers.values():
        if isinstance(producer, TickProducer):
            _check_line(producer, values)
            values.check_timezone("producers", producer.name, "timezone")
            _check_payload(producer, values)
            if producer.event and not values.has_error("events"):
                _check_event(pipeline, producer, producer.event, values)


def _check_line(producer: TickProducer, values: Values) -> None:
    if producer.cron is None:
        return
    from ebats.pipelines import cron  # most files have none, and each command reads one

    try:
        cron.check(producer.cron)
    except cron.BadCron as error:
        values.problem(rules.BAD_CRON, ("producers", producer.name, "cron"), str(error), error.hint)


def _check_payload(producer: TickProducer, values: Values) -> None:
    from ebats.pipelines import ticks  # as above

    path = ("producers", producer.name, "payload")
    for where, text in texts(values.get(*path), path):
        try:
            ticks.template(text)
        except ValueError as error:
            values.problem(rules.BAD_TEMPLATE, where, "this template can't be read", str(error))


def _check_event(pipeline: Pipeline, producer: TickProducer, name: str, values: Values) -> None:
    path = ("producers", producer.name)
    try:
        of_event(pipeline.name, wire(pipeline), name, now=0.0)
    except Unaddressable:
        text = f"`{name}` is whatever matches a pattern, and a clock has no key to publish it with"
        values.problem(
            rules.NO_KEY_TO_PUBLISH,
            (*path, "event"),
            text,
            "write an event whose `key` has no * and no #, or a `task`",
        )
    event = pipeline.events[name]
    if event.format != "json" and not values.has_error(*path, "payload"):
        _check_text(producer, event, values)


def _check_text(producer: TickProducer, event: Event, values: Values) -> None:
    """Check that there is a text to publish where the event isn't JSON."""
    path = ("producers", producer.name)
    is_written = "payload" in values.keys(*path)
    if is_written and isinstance(values.get(*path, "payload"), str):
        return
    where = f"`payload` isn't a text, and `{event.name}` has the format {event.format}"
    if is_written:
        values.problem(rules.NOT_FOR_FORMAT, (*path, "payload"), where, 'write a text, such as "{{ tick }}"')
    else:
        text = f"`{producer.name}` has no `payload`, and `{event.name}` has the format {event.format}"
        values.problem_at_key(rules.NOT_FOR_FORMAT, path, text, 'add `payload`, a text such as "{{ tick }}"')
