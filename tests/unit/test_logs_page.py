"""docs/logs.md: its fields and its document, against the index template and what a sink writes."""

import json
import re
from pathlib import Path
from typing import Any

from ebats.runner.execution.record import RequestNote, utc
from ebats.runner.sinks.elastic_template import fields, index_template
from ebats.runner.sinks.mask import CREDENTIALS
from tests.documents import TRACE, document
from tests.records import NOON, execution

PAGE = (Path(__file__).parents[2] / "docs" / "logs.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## What a document holds")[2].partition("\n## ")[0]


def test_the_table_has_each_field_with_its_type_once() -> None:
    rows = [row.split("|") for row in SECTION.splitlines() if row.startswith("| `")]
    described = [(name, row[2].strip()) for row in rows for name in re.findall(r"`([^`]+)`", row[1])]
    assert sorted(described) == sorted(fields(index_template("logs-ebats-default")).items())
    assert all(row[3].strip() for row in rows)


def test_the_example_is_what_is_written() -> None:
    [block] = re.findall(r"```json\n(.*?)```", SECTION, re.DOTALL)
    shown: dict[str, Any] = json.loads(block)
    written = document(
        execution(
            time=utc(NOON + 0.25),
            level="warning",
            task="tell_merchant",
            queue="tell_merchant",
            id="0d5c2c1e-8d9b-4c57-a4a5-51e5b8a3b1f0",
            attempt=2,
            outcome="retry",
            wait_s=1.004,
            run_s=0.231447,
            event="order_paid",
            exchange="shop.events",
            key="order_paid",
            published=utc(NOON - 1.5),
            size=121,
            trace=TRACE,
            environment="production",
            error="BadAnswer",
            text="POST https://merchant.example/paid: answered 502",
            next=utc(NOON + 3.25),
            labels={"order": "FB138"},
            requests=[
                RequestNote(
                    method="POST",
                    url="https://merchant.example/paid",
                    outcome="failed",
                    status=502,
                    seconds=0.229113,
                    text="answered 502",
                    body="Bad Gateway",
                )
            ],
            payload={"order_id": "FB138", "lines": [{"sku": "a"}], "card": {"no": "4111"}},
            host="srv1",
            pid=4711,
        ),
        "keys",
    )
    # The version changes with each release.
    shown["service"]["version"] = written["service"]["version"]
    assert shown == written


def test_all_that_is_hidden_without_being_asked_is_named() -> None:
    page = PAGE.lower()
    assert [header for header in CREDENTIALS if f"`{header}`" not in page] == []
