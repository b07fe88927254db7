"""A pipeline whose records go to Elasticsearch, and what a test asks of them there."""

import json
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tests.commands import run_ebats
from tests.elastic_client import ElasticClient
from tests.faults.site import Site
from tests.waiting import wait_until

EXECUTIONS = "event.category: process AND _exists_: ebats.task.name AND event.type: end"


def write(site: Site, url: str, stream: str, labels: Mapping[str, str] | None = None, **search: Any) -> None:
    """Write a file with one task, whose records go to a file and to Elasticsearch."""
    settings = {"hosts": [url], "data_stream": stream, "timeout": "2s", **search}
    batch = {"records": 100, "wait": "100ms"}
    site.write(
        tasks={"work": {"python": "tasks:work"}},
        events={"happened": {"tasks": ["work"], "labels": labels or {"n": "{{ n }}"}}},
        logs={
            "console": {"std": {}},
            "history": {"file": {"path": "log.jsonl"}},
            "search": {"elasticsearch": {"batch": batch, **settings}},
        },
    )


def status(site: Site, sink: str = "search") -> dict[str, Any]:
    """Return what `ebats status` says about a sink."""
    environ = {"EBATS_STATE_DIR": str(site.folder / "state")}
    found = json.loads(run_ebats("status", site.file, "--format", "json", env=environ).stdout)
    sinks: list[dict[str, Any]] = [runner["sinks"].get(sink, {}) for runner in found["runners"]]
    return sinks[0] if sinks else {}


def send(site: Site, start: int, count: int) -> None:
    """Send messages whose names are numbered."""
    site.send([f"m-{number}" for number in range(start, start + count)])


def arrived(elastic: ElasticClient) -> Counter[str]:
    """Return how often there is a document for each message."""
    found = elastic.search(EXECUTIONS, aggs={"n": {"terms": {"field": "labels.n", "size": 10_000}}}, size=0)
    buckets = found.get("aggregations", {}).get("n", {}).get("buckets", [])
    return Counter({bucket["key"]: bucket["doc_count"] for bucket in buckets})


def wait_arrived(elastic: ElasticClient, count: int, deadline_s: float = 60) -> None:
    """Wait until so many messages have a document, and see that each has one."""
    wait_until(
        lambda: len(arrived(elastic)) >= count, deadline_s, lambda: f"{len(arrived(elastic))}", every_s=0.3
    )
    time.sleep(0.5)  # for what would come twice
    assert set(arrived(elastic).values()) == {1}
    assert len(arrived(elastic)) == count
