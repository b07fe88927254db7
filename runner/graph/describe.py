"""What a graph says about each definition: short lines, without secrets."""

import re
from collections.abc import Iterator
from pathlib import Path

from ebats.pipelines.alerts import Channel, EmailChannel, PythonChannel, WecomChannel
from ebats.pipelines.counting import counted
from ebats.pipelines.http_task import HttpTask
from ebats.pipelines.ladder import attempts, format_duration
from ebats.pipelines.model import Consumer, Event, Exchange, Ladder, Pipeline, Queue, Task
from ebats.pipelines.producer import HttpProducer, Producer, PythonProducer
from ebats.pipelines.sink import ElasticSink, FileSink, Sink, StdSink

Lines = tuple[str, ...]

_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}")
_AUTHORITY = re.compile(r"(?:[^\s:@/?#{}]|\{\{[^{}@]*\}\})+(?::\d+)?|\[[0-9A-Fa-f:.]+\](?::\d+)?")


def producer(producer: Producer) -> Lines:
    """Say when, or where, a producer publishes."""
    if isinstance(producer, HttpProducer):
        host = f"[{producer.host}]" if ":" in producer.host else producer.host
        return (f"HTTP {host}:{producer.port}",)
    if isinstance(producer, PythonProducer):
        return (str(producer.python),)
    every = () if producer.every_ms is None else (f"every {format_duration(producer.every_ms)}",)
    cron = () if producer.cron is None else (f"cron {producer.cron}",)
    return (*cron, *every, *(("at the start",) if producer.at_start else ()))


def exchange(exchange: Exchange) -> Lines:
    """Say of what type an exchange is, and whose."""
    return (f"{exchange.type} exchange{', external' if exchange.external else ''}",)


def event(event: Event) -> Lines:
    """Say which keys make an event, where that isn't its name."""
    if event.queue is not None:
        return ("all of the queue",)
    if event.exchange is None and event.keys == (event.name,):
        return ()
    if event.exchange is not None and event.exchange.type == "fanout":
        return ("all of the exchange",)
    return (" or ".join(key or '""' for key in event.keys),)


def event_more(event: Event) -> Lines:
    """Say what an event's messages are like."""
    schema = (f"payload by {event.schema.where}",) if event.schema else ()
    return (f"format: {event.format}", *schema, *_owner(event.owner))


def queue(queue: Queue, *, intake: bool) -> Lines:
    """Say what is unusual about a queue."""
    marks = (
        *(("intake",) if intake else ()),
        *(("external",) if queue.external else ()),
        *(("classic",) if queue.type == "classic" else ()),
        *(("ack: early",) if queue.ack == "early" else ()),
    )
    return (", ".join(marks),) if marks else ()


def consumer(consumer: Consumer) -> Lines:
    """Say how many processes a consumer has, and what each does at once."""
    processes = "1 process" if consumer.processes == 1 else f"{consumer.processes} processes"
    return (f"{processes}, {consumer.concurrency} at once",)


def task(task: Task) -> Lines:
    """Say what a task does."""
    return (str(task.python) if task.http is None else _request(task.http),)


def task_more(task: Task) -> Lines:
    """Say how long a task's attempt may take, how many it has, and whose it is."""
    timeout = "none" if task.timeout_s is None else format_duration(round(task.timeout_s * 1000))
    return (f"timeout: {timeout}", counted(attempts(task.ladder), "attempt"), *_owner(task.owner))


def rungs(ladder: Ladder) -> Lines:
    """Return the waits of a ladder."""
    return tuple(format_duration(each) for each in ladder.rungs_ms)


def sink(sink: Sink, folder: str) -> Lines:
    """Say where a sink's records go."""
    if isinstance(sink, StdSink):
        return (f"std, {sink.level}",)
    if isinstance(sink, FileSink):
        return (_relative(sink.path, folder),)
    if isinstance(sink, ElasticSink):
        return ("Elasticsearch", sink.data_stream)
    return (str(sink.python),)


def channel(channel: Channel) -> Lines:
    """Say what kind of channel alerts go through: its address is a secret, often."""
    if isinstance(channel, PythonChannel):
        return (str(channel.python),)
    if isinstance(channel, EmailChannel):
        return ("mail",)
    return ("WeCom",) if isinstance(channel, WecomChannel) else ("webhook",)


def outside() -> Lines:
    """Say how programs that aren't in the file publish."""
    return ("ebats publish", "Publisher, AMQP")


def unrouted(pipeline: Pipeline) -> str:
    """Say what becomes of messages that are no event's."""
    return "other keys: dead letters" if pipeline.unrouted == "dead" else "other keys: dropped"


def _request(http: HttpTask) -> str:
    if http.pointer is not None:
        return "HTTP, as the message says"
    return f"{http.method} {host}" if (host := _host(http.url)) else http.method


def _host(url: str) -> str:
    """Return a URL's host and port: login, path and query may hold secrets."""
    _, scheme, rest = url.partition("://")
    if not scheme:
        found = _TEMPLATE.match(url)
        return found[0] if found else ""
    host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    return host if _AUTHORITY.fullmatch(host) else ""


def _relative(path: str, folder: str) -> str:
    """Return a path as it is seen from the file's folder, where it is below it."""
    inside = Path(path).is_relative_to(folder)
    return Path(path).relative_to(folder).as_posix() if inside else path


def _owner(owner: str | None) -> Iterator[str]:
    if owner is not None:
        yield f"owner: {owner}"
