"""Elasticsearch sinks to test: made as the writer makes them, without a writer around them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ebats.pipelines.sink import Batch, ElasticSink
from ebats.runner.sinks.elastic.elastic import Elastic
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.setting import Setting
from tests.waiting import wait_until


def model(url: str, stream: str, spool: Path, **settings: Any) -> ElasticSink:
    """Return a sink of a file, that sends soon and gives up soon, with these settings."""
    values: dict[str, Any] = {
        "hosts": (url,),
        "data_stream": stream,
        "spool": str(spool),
        "batch": Batch(records=100, wait_s=0.05),
        "timeout_s": 3.0,
    }
    return ElasticSink(name="search", **values | settings)


@contextmanager
def sink_for(found: ElasticSink) -> Iterator[Elastic]:
    """Make the sink that writes, and close it."""
    setting = Setting(pipeline="shop", folder="/", environment="test")
    sink = Elastic(found, Exposures(found.exposure), setting)
    try:
        yield sink
    finally:
        sink.close()


@contextmanager
def sink_to(url: str, stream: str, spool: Path, **settings: Any) -> Iterator[Elastic]:
    """Make a sink that writes to a server, and close it."""
    with sink_for(model(url, stream, spool, **settings)) as sink:
        yield sink


def wait_for(sink: Elastic, deadline_s: float = 20, **counts: int) -> None:
    """Wait until the sink has counted so many records."""
    wait_until(
        lambda: all(getattr(sink.report(), name) == count for name, count in counts.items()),
        deadline_s,
        lambda: f"{counts} in {sink.report()}",
    )


def rejects(spool: Path) -> list[dict[str, Any]]:
    """Return what stands in the reject file."""
    return [json.loads(line) for line in (spool / "rejected.ndjson").read_text().splitlines()]
