"""The examples, run with the real commands on both brokers."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ebats import schemas
from tests.acceptance.example import EXAMPLES, Example, Records
from tests.conftest import Broker

#: What a merchant that says "fail" twice climbs of the ladder.
RUNGS_S = [1.0, 3.0]
#: Records hold times in milliseconds.
ROUNDING_S = 0.005


@pytest.fixture
def hello(tmp_path: Path, main_broker: Broker) -> Example:
    """Give a copy of examples/hello."""
    return Example("hello", tmp_path, main_broker)


@pytest.fixture
def shop(tmp_path: Path, main_broker: Broker) -> Example:
    """Give a copy of examples/shop."""
    return Example("shop", tmp_path, main_broker)


def test_hello_greets_each_visitor_in_one_line(hello: Example) -> None:
    hello.publish("visitor_came", "--file", hello.folder / "visitors.jsonl")

    lines = hello.run().splitlines()

    for name in ("Ada", "Grace", "玛丽"):
        assert [line for line in lines if f"Hello, {name}!" in line]
    assert len([line for line in lines if "  OK " in line and "greet" in line]) == 3


@pytest.mark.slow
def test_shop_works_off_a_thousand_orders(shop: Example) -> None:
    # Given a thousand orders, of which 300 are paid, one goes nowhere and one to Atlantis
    shop.publish("order_create", "--file", shop.folder / "orders.jsonl")
    shop.publish("order_paid", "--file", shop.folder / "paid.jsonl")

    # When the pipeline runs to its end
    output = shop.run("--fail-on-dead", code=1)

    # Then each order is dealt with once, the ladder is climbed, and what can't be done is dead
    records = shop.records()
    check_each_order_is_done_once(records)
    check_the_ladder_is_climbed(records)
    check_what_cannot_be_done_is_dead(shop)
    check_records_fit_their_schema(shop)
    check_each_execution_is_a_line_and_a_row(shop, output, records)
    assert len({record["process"] for record in records if record["queue"] == "orders"}) == 2


def check_each_order_is_done_once(records: Records) -> None:
    done = Counter((record["task"], order(record)) for record in records if record["outcome"] == "success")
    paid = [f"FB{number:04}" for number in range(1, 1001) if number % 10 in (1, 2, 3)]
    expected = Counter(("close_order", f"FB{number:04}") for number in range(1, 1001))
    expected.update(("ship", name) for name in paid if name != "FB0013")
    expected.update(("book_courier", name) for name in paid if name != "FB0333")
    expected.update(("notify_merchant", name) for name in paid)
    expected["book_by_phone", "FB0333"] = 1
    assert done == expected


def check_the_ladder_is_climbed(records: Records) -> None:
    climbs: dict[str, Records] = {}
    for record in records:
        if record["task"] == "notify_merchant" and order(record).endswith("01"):
            climbs.setdefault(order(record), []).append(record)
    assert len(climbs) == 10
    for climb in climbs.values():
        climb.sort(key=lambda record: int(record["attempt"]))
        assert [record["attempt"] for record in climb] == [1, 2, 3]
        assert [record["outcome"] for record in climb] == ["retry", "retry", "success"]
        assert {record["id"] for record in climb} == {climb[0]["id"]}
        waits = [started(after) - started(before) for before, after in pairwise(climb)]
        assert all(wait >= rung - ROUNDING_S for wait, rung in zip(waits, RUNGS_S, strict=True)), waits


def check_what_cannot_be_done_is_dead(shop: Example) -> None:
    assert shop.status()["dead"] == 2
    letters = shop.dead_letters()
    assert set(letters) == {"ship", "book_courier"}
    ship, courier = letters["ship"], letters["book_courier"]
    assert (ship["order"], ship["ebats-reason"], ship["ebats-attempt"]) == ("FB0013", "rejected", 1)
    assert ship["ebats-text"] == "nobody knows where to"
    assert (courier["order"], courier["ebats-reason"], courier["ebats-attempt"]) == ("FB0333", "exhausted", 3)
    assert courier["ebats-error"] == "TimeoutError"
    for letter in letters.values():
        assert letter["ebats-event"] == "order_paid"
        assert (letter["ebats-exchange"], letter["ebats-key"]) == ("shop.events", "order_paid")
        assert letter["ebats-first"] <= letter["ebats-last"]


def check_records_fit_their_schema(shop: Example) -> None:
    validator = jsonschema.Draft202012Validator(schemas.read("record.v1"))
    for line in (shop.folder / "logs" / "shop.jsonl").read_text(encoding="utf-8").splitlines():
        validator.validate(json.loads(line))


def check_each_execution_is_a_line_and_a_row(shop: Example, output: str, records: Records) -> None:
    printed = [line for line in output.splitlines() if line.split()[1:2] in (["OK"], ["RETRY"], ["DEAD"])]
    rows = [line.split("\t") for line in (shop.folder / "logs" / "audit.tsv").read_text().splitlines()]
    assert len(printed) == len(rows) == len(records)
    assert ["orders", "ship"] in [[row[0], row[2]] for row in rows]
    assert [row[5] for row in rows if '"FB0333"' in row[3] and row[2] == "ship"] == ["on its way to Atlantis"]
    assert [row[5] for row in rows if row[2] == "book_by_phone"] == [
        "phoned for FB0333: exhausted after 3 attempts"
    ]


def test_shop_takes_goods_from_an_exchange_by_a_pattern(shop: Example) -> None:
    payload = '{"order_id": "FB0001", "goods": ["tea", "cup"]}'
    shop.publish("--exchange", "trade", "--key", "cn.FB0001.WAIT_SELLER_SEND_GOODS", "-d", payload)

    shop.run("--fail-on-dead")

    assert [(r["task"], r["event"], r["outcome"]) for r in shop.records()] == [
        ("pick_goods", "goods_wanted", "success"),
        ("pack", "goods_picked", "success"),
    ]
    table = (shop.folder / "logs" / "audit.tsv").read_text()
    assert "packed 2: 2 goods for FB0001, from the warehouse of cn" in table


def test_shop_takes_a_task_by_its_name(shop: Example) -> None:
    shop.publish("--task", "ship", "-d", '{"order_id": "FB3000", "city": "Lhasa"}')

    shop.run("--fail-on-dead")

    (record,) = shop.records()
    assert (record["task"], record["outcome"]) == ("ship", "success")
    assert "event" not in record


def test_shop_takes_what_a_plain_amqp_program_publishes(tmp_path: Path, rabbitmq: Broker) -> None:
    shop = Example("shop", tmp_path, rabbitmq)
    shop.run()  # makes the exchange

    body = '{"order_id": "FB2001", "city": "Beijing"}'
    script = shop.folder / "publish_plain.py"
    subprocess.run([sys.executable, script, shop.url, body], env=os.environ, check=True, timeout=30)
    shop.run("--fail-on-dead")

    done = Counter(record["task"] for record in shop.records() if record["outcome"] == "success")
    assert done == Counter(["ship", "book_courier", "notify_merchant"])
    assert len({record["id"] for record in shop.records() if record["task"] == "notify_merchant"}) == 1


def test_shop_takes_what_its_own_program_publishes(shop: Example) -> None:
    script = shop.folder / "publish_orders.py"
    env = {**os.environ, "EBATS_BROKER_URL": shop.url}
    done = subprocess.run(
        [sys.executable, script, "pipeline.yaml"],
        env=env,
        cwd=shop.folder,
        check=True,
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "published 100 orders\n"
    shop.run("--fail-on-dead")

    succeeded = Counter(record["task"] for record in shop.records() if record["outcome"] == "success")
    assert succeeded["close_order"] == 101
    assert succeeded["ship"] == 3
    assert succeeded["notify_merchant"] == succeeded["book_courier"] == succeeded["pick_goods"] == 1
    ids = {order(record): record["id"] for record in shop.records() if record["task"] == "close_order"}
    assert ids["FB5001"] == "FB5001-created"


def test_orders_are_what_the_script_writes(tmp_path: Path) -> None:
    script = shutil.copy(EXAMPLES / "shop" / "make_orders.py", tmp_path)
    subprocess.run([sys.executable, script], check=True, timeout=30)

    for name in ("orders.jsonl", "paid.jsonl"):
        assert (tmp_path / name).read_bytes() == (EXAMPLES / "shop" / name).read_bytes()


def order(record: dict[str, Any]) -> str:
    """Return the order that a record is about, from its label."""
    return str(record["labels"]["order"])


def started(record: dict[str, Any]) -> float:
    """Return when an attempt started, as a Unix time."""
    return datetime.fromisoformat(record["time"]).timestamp() - float(record["run_s"])
