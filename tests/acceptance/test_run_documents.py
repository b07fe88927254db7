"""What a run writes as documents: each record once, as the other sinks have it, nothing that is masked."""

import json
from pathlib import Path
from typing import Any

from msgspec import structs

from ebats.runner.execution.record import Execution, Record, decode
from ebats.runner.sinks.ecs_back import record as back
from ebats.runner.sinks.elastic_template import fields, index_template
from tests.faults.site import Site

SECRET = "4111" * 4


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


def as_in_documents(record: Record) -> Record:
    """Return a record as a document holds it: with its wait in whole milliseconds."""
    if not isinstance(record, Execution) or record.wait_s is None:
        return record
    return structs.replace(record, wait_s=round(record.wait_s * 1000) / 1000)


def test_documents_of_a_run_are_its_records(site: Site) -> None:
    seen: dict[str, Any] = {"payload": "full", "mask": ["card_no"]}
    site.write(
        tasks={"work": {"python": "tasks:work", "retry": ["100ms"]}, "other": {"python": "tasks:other"}},
        events={"happened": {"tasks": ["work"], "labels": {"order": "{{ n }}"}}},
        logs={
            "history": {"file": {"path": "log.jsonl", **seen}},
            "documents": {"file": {"path": "ecs.jsonl", "format": "ecs", **seen}},
            "names": {"file": {"path": "keys.jsonl", "format": "ecs", "payload": "keys"}},
        },
        environment="test",
    )
    site.declare()
    site.send(["good"], card_no=SECRET)
    site.send(["again"], do="fail_once", card_no=SECRET)
    site.send(["bad"], do="reject", card_no=SECRET)

    site.run()

    records = [decode(line) for line in lines(site.folder / "log.jsonl")]
    documents = lines(site.folder / "ecs.jsonl")
    assert [back(line) for line in documents] == [as_in_documents(record) for record in records]
    assert SECRET.encode() not in b"".join([*documents, *lines(site.folder / "keys.jsonl")])
    check_attempts([json.loads(line) for line in documents], site)
    keys = [
        json.loads(line).get("ebats", {}).get("payload_keys") for line in lines(site.folder / "keys.jsonl")
    ]
    assert sorted(found for found in keys if found)[-1] == ["n", "do", "card_no"]


def check_attempts(documents: list[dict[str, Any]], site: Site) -> None:
    """Check what stands in the documents of attempts, and that each field of theirs has a type."""
    attempts = [one for one in documents if "outcome" in one["event"]]
    found = {
        (one["labels"]["order"], one["ebats"]["attempt"]): (one["event"]["action"], one["event"]["outcome"])
        for one in attempts
    }
    assert found == {
        ("good", 1): ("task-executed", "success"),
        ("again", 1): ("task-retried", "failure"),
        ("again", 2): ("task-executed", "success"),
        ("bad", 1): ("task-dead", "failure"),
    }
    system = "sqlite" if site.url.startswith("sqlite") else "rabbitmq"
    types = fields(index_template("logs-ebats-default"))
    for one in attempts:
        assert one["messaging"]["system"] == system
        assert one["service"]["name"] == site.name
        assert one["service"]["environment"] == "test"
        assert one["ebats"]["exchange"] == f"{site.name}.events"
        assert one["ebats"]["task"] == {"name": "work", "kind": "python"}
        assert one["ebats"]["payload"]["card_no"] == "***"
        assert one["event"]["duration"] > 0
    for one in documents:
        assert [name for name in names(one) if name not in types] == []


def names(value: Any, prefix: str = "") -> list[str]:
    """Return the dotted names of a document's fields but for those of labels and payloads."""
    if prefix in ("labels", "ebats.payload", "ebats.result"):
        return [prefix]
    if isinstance(value, list):
        return [name for item in value for name in names(item, prefix)]
    if isinstance(value, dict):
        return [name for key, inner in value.items() for name in names(inner, f"{prefix}.{key}".lstrip("."))]
    return [prefix]
