"""The payloads of a file's clocks against the schemas of their events, before anything starts."""

import json
from collections.abc import Iterator, Mapping

from ebats.pipelines import load, rules, ticks
from ebats.pipelines.load import Loaded
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import BadFile, Problem
from ebats.pipelines.producer import TickProducer

#: Any moment will do.
_SAMPLE_MS = 1_800_000_000_000


def examine(file: str, environ: Mapping[str, str], *, with_links: bool = True) -> Loaded:
    """Return what `load.examine` does, of a file whose clocks publish what their events want.

    Without links that isn't looked at.

    Raises:
        BadFile: the file has errors.
        UnreadableFile: there is no such file, or it can't be read.
    """
    loaded = load.examine(file, environ, with_links=with_links)
    return _checked(loaded) if with_links else loaded


def from_bytes(file: str, content: bytes, environ: Mapping[str, str], *, with_links: bool = True) -> Loaded:
    """Return what `load.from_bytes` does, of a file whose clocks publish what their events want.

    `with_links`: see `examine`.

    Raises:
        BadFile: the content has errors.
    """
    loaded = load.from_bytes(file, content, environ, with_links=with_links)
    return _checked(loaded) if with_links else loaded


def _checked(loaded: Loaded) -> Loaded:
    if found := (*_problems(loaded.pipeline),):
        raise BadFile(tuple(sorted((*loaded.warnings, *load.concealed(found, loaded.source)))))
    return loaded


def _problems(pipeline: Pipeline) -> Iterator[Problem]:
    clocks = [each for each in pipeline.producers.values() if isinstance(each, TickProducer)]
    events = [(each, each.event) for each in clocks if each.event and pipeline.events[each.event].schema]
    if not events:
        return
    # Only now: they take longer to import than most files to check.
    from ebats.runner.execution.schemas import Schemas
    from ebats.runner.execution.unpublished import BadPayload

    schemas = Schemas(pipeline)
    for producer, event in events:
        payload = ticks.payload(producer.payload).at(ticks.written(_SAMPLE_MS, producer.timezone))
        try:
            schemas.check_body(event, json.dumps(payload).encode())
        except BadPayload as error:
            text = f"the payload of `{producer.name}` breaks the schema of `{event}`: {error.why}"
            yield Problem(
                place=producer.place, rule=rules.PAYLOAD_BREAKS_SCHEMA, text=text, hint="change one of them"
            )
