"""A run whose records fill a dashboard: successes, retries on several rungs, dead letters, callbacks."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.brokers import free_port
from tests.commands import run_ebats
from tests.elastic_client import ElasticClient
from tests.merchant import Call, Merchant
from tests.waiting import wait_until

NAME = "shop"
TASKS = """\
import asyncio, time
from ebats import Context, Reject

def ship(context: Context, fails: int = 0) -> None:
    if context.attempt <= fails:
        raise ConnectionError("the warehouse is closed")

def report(seconds: float) -> None:
    time.sleep(seconds)

def refund() -> None:
    raise Reject("no such order")

def bill() -> None:
    raise ValueError("no price")

async def hang() -> None:
    await asyncio.sleep(60)
"""
#: What the merchant answers, by path.
ANSWERS = {"/acme": 200, "/globex": 503, "/initech": 500, "/umbrella": 410}
#: The message of the order that everybody asks for, which the page of the docs names too.
MESSAGE_ID = "5f0c2b7e9d3b4f52"
FB138 = {"order_id": "FB138", "fails": 2}
#: Event to payloads.
MESSAGES: dict[str, list[dict[str, Any]]] = {
    "order_paid": [
        *({"order_id": f"FB{number}"} for number in range(100, 120)),
        *({"order_id": f"FB{number}", "fails": 1} for number in range(120, 125)),
        {"order_id": "FB139", "fails": 99},
        {"order_id": "FB140", "fails": 99},
    ],
    "night": [{"seconds": seconds / 1000} for seconds in (10, 20, 30, 600, 40, 50)],
    "refund_asked": [{"order_id": "FB138"}, {"order_id": "FB141"}],
    "bill_asked": [{"order_id": "FB142"}],
    "hung": [{}],
    "told": [{"to": to} for to in ("acme", "acme", "acme", "globex", "initech", "umbrella")],
    "called": [{}],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What was put in."""

    elastic: ElasticClient
    #: The executions, as the file sink of the same run has them.
    records: list[dict[str, Any]]
    #: What processes had to say, from there too.
    logs: list[dict[str, Any]]

    def of(self, *outcomes: str, **values: object) -> list[dict[str, Any]]:
        """Return the records with one of these outcomes, or of all, whose keys have these values."""
        return [
            record
            for record in self.records
            if not outcomes or record["outcome"] in outcomes
            if all(record.get(key) == value for key, value in values.items())
        ]


def minute(record: dict[str, Any]) -> int:
    """Return the minute that a record is of, as Elasticsearch names it: its first millisecond, Unix time."""
    seconds = datetime.fromisoformat(record["time"]).timestamp()
    return math.floor(seconds / 60) * 60_000


def is_percentile(value: float, values: Sequence[float], percent: int) -> bool:
    """Say whether a value lies between those that surround this part of all, whoever defines it."""
    ordered, place = sorted(values), len(values) * percent / 100
    low = ordered[max(0, math.floor(place) - 1)]
    high = ordered[min(len(ordered) - 1, math.ceil(place))]
    return low - 1 <= value <= high + 1


def fill(folder: Path, elastic: ElasticClient) -> Filled:
    """Run the pipeline until it has nothing to do, and return when its records can be searched."""
    (folder / "tasks.py").write_text(TASKS)
    with Merchant(_answer) as merchant:
        url = merchant.url()
        (folder / "shop.yaml").write_text(json.dumps(_pipeline(url, elastic)))
        env = {"EBATS_STATE_DIR": str(folder / "state")}
        _publish(folder, "order_paid", "-d", json.dumps(FB138), "--id", MESSAGE_ID)
        for event, payloads in MESSAGES.items():
            _publish(
                folder, event, "--file", "-", lines="".join(f"{json.dumps(each)}\n" for each in payloads)
            )
        done = run_ebats("shop.yaml", "--until-idle", program="ebats-run", cwd=folder, env=env, timeout_s=180)
        assert done.returncode == 0, done.stdout + done.stderr
    records = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    executions = [record for record in records if record["kind"] == "execution"]
    wait_until(lambda: elastic.count() == len(records), 30, lambda: f"{len(records)}: {elastic.count()}")
    _add_another_pipeline(elastic)
    return Filled(
        elastic=elastic, records=executions, logs=[each for each in records if each["kind"] == "log"]
    )


def _publish(folder: Path, event: str, *what: str, lines: str = "") -> None:
    done = run_ebats("publish", "shop.yaml", event, *what, cwd=folder, stdin=lines)
    assert done.returncode == 0, done.stderr


def _pipeline(url: str, elastic: ElasticClient) -> dict[str, Any]:
    labels = {"order": "{{ order_id }}"}
    search = {"hosts": [elastic.url], "data_stream": elastic.stream, "payload": "full"}
    return {
        "version": 1,
        "name": NAME,
        "tasks": {
            "ship": {"python": "tasks:ship", "retry": ["100ms", "200ms", "300ms"]},
            "report": {"python": "tasks:report"},
            "refund": {"python": "tasks:refund", "retry": ["100ms"]},
            "bill": {"python": "tasks:bill"},
            "hang": {"python": "tasks:hang", "timeout": "300ms"},
            "call_nobody": {"http": {"url": f"http://127.0.0.1:{free_port()}/"}},
            "tell_merchant": {"http": {"url": url + "{{ to }}"}, "retry": ["100ms", "200ms"]},
        },
        "events": {
            "order_paid": {"tasks": ["ship"], "labels": labels},
            "night": {"tasks": ["report"]},
            "refund_asked": {"tasks": ["refund"], "labels": labels},
            "bill_asked": {"tasks": ["bill"], "labels": labels},
            "hung": {"tasks": ["hang"]},
            "told": {"tasks": ["tell_merchant"]},
            "called": {"tasks": ["call_nobody"]},
        },
        "logs": {
            "history": {"file": {"path": "log.jsonl"}},
            "search": {"elasticsearch": search},
        },
    }


async def _answer(call: Call) -> web.StreamResponse:
    return web.Response(status=ANSWERS[call.path], text="success")


def _add_another_pipeline(elastic: ElasticClient) -> None:
    """Put the same documents into the data stream once more, as those of another pipeline."""
    copies = [{**document, "service": {"name": "other"}} for document in elastic.documents()]
    elastic.create(copies)
