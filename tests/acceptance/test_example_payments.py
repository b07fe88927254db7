"""examples/payments, run with the real commands on both brokers: when merchants are asked, and how often."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tests.acceptance.example import Example
from tests.brokers import free_port
from tests.conftest import Broker
from tests.waiting import wait_until

#: What a merchant that says "fail" three times climbs of the ladder.
RUNGS_S = (1.0, 3.0, 5.0)
#: The merchants print milliseconds.
ROUNDING_S = 0.005
DAY_S = 86_400
_LINE = re.compile(
    r"(?P<time>[\d:.]+)Z  (?P<order>\w+) +(?P<path>\S+) +"
    r"request (?P<n>\d+), (?P<here>\d+) at once: (?P<text>\S+)"
)


@dataclass(frozen=True, slots=True)
class Request:
    """A line that the merchants printed."""

    #: Seconds since midnight.
    time_s: float
    at_once: int
    text: str


@dataclass(frozen=True, slots=True)
class Merchants:
    """The merchants, and what they printed."""

    port: int
    output: Path

    def asked(self) -> dict[str, list[Request]]:
        """Return the requests of each order, as they came."""
        found: dict[str, list[Request]] = {}
        for line in self.output.read_text().splitlines()[1:]:
            said = _LINE.fullmatch(line)
            assert said, line
            hours, minutes, seconds = said["time"].split(":")
            time_s = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
            found.setdefault(said["order"], []).append(Request(time_s, int(said["here"]), said["text"]))
        return found

    def payment(self, order: str, path: str) -> str:
        """Return a payment of this order, for a merchant of this kind, as JSON."""
        return json.dumps(
            {"order_id": order, "amount": 7, "notify_url": f"http://127.0.0.1:{self.port}{path}"}
        )


@contextmanager
def merchants(example: Example, think_s: float) -> Iterator[Merchants]:
    """Run the example's merchants, and look whether they end as they should."""
    port = free_port()
    output = example.folder / "merchants.txt"
    command = [sys.executable, example.folder / "merchant.py", "--port", str(port), "--think", str(think_s)]
    with output.open("wb") as file:
        process = subprocess.Popen(command, env=os.environ, stdout=file, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: "merchants on" in output.read_text(), message=output.read_text)
        yield Merchants(port, output)
    finally:
        process.terminate()
        assert process.wait(30) == 0, output.read_text()


def make_payments(example: Example, count: int, port: int) -> list[str]:
    """Run the example's own program."""
    command = [sys.executable, example.folder / "make_payments.py", str(count), str(port)]
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, timeout=30
    ).stdout.splitlines()


def shorten(example: Example) -> None:
    """Let the ladder have two rungs: all six attempts take a minute."""
    text = example.file.read_text()
    assert "[1s, 3s, 5s, 15s, 30s]" in text
    example.file.write_text(text.replace("[1s, 3s, 5s, 15s, 30s]", "[1s, 2s]"))


@pytest.mark.slow
def test_merchants_are_asked_until_they_say_success_after_the_waits_of_the_ladder(
    tmp_path: Path, main_broker: Broker
) -> None:
    example = Example("payments", tmp_path, main_broker, PAYMENTS_TIMEOUT="60s")
    with merchants(example, think_s=1) as them:
        # Given 300 payments, one of which nobody answers, and one whose merchant needs four requests
        payments = [line for line in make_payments(example, 300, them.port) if "/never" not in line]
        payments.append(them.payment("FB9003", "/fails/3"))
        example.publish("order_paid", "--file", "-", stdin="\n".join(payments))

        # When the pipeline runs to its end
        example.run("--fail-on-dead")
        asked = them.asked()

    # Then each is asked as often as it wants, and the waits of the ladder lie between
    assert len(asked) == 300
    for order, requests in asked.items():
        fails = 3 if order == "FB9003" else 2 if order.endswith("1") else 0
        assert [request.text for request in requests] == [*["fail"] * fails, "success"], order
        check_waits(requests, 1)
    # And hundreds of them are asked at once
    assert max(request.at_once for requests in asked.values() for request in requests) > 100


@pytest.mark.slow
def test_the_first_request_about_a_refund_waits_for_a_second(tmp_path: Path, main_broker: Broker) -> None:
    example = Example("payments", tmp_path, main_broker, PAYMENTS_TIMEOUT="60s")
    with merchants(example, think_s=0) as them:
        example.run()  # makes what is needed on the broker
        began = datetime.now(UTC)
        example.publish("order_refunded", "-d", them.payment("FB0001", "/fails/1"))
        example.run("--fail-on-dead")
        (requests,) = them.asked().values()

    since_midnight = (began - began.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    assert (requests[0].time_s - since_midnight) % DAY_S >= 1 - ROUNDING_S
    assert [request.text for request in requests] == ["fail", "success"]
    check_waits(requests, 0)


@pytest.mark.slow
def test_who_never_answers_is_given_up_and_kept_for_the_office(tmp_path: Path, main_broker: Broker) -> None:
    example = Example("payments", tmp_path, main_broker, PAYMENTS_TIMEOUT="1s")
    shorten(example)
    with merchants(example, think_s=0) as them:
        payments = make_payments(example, 10, them.port)
        example.publish("order_paid", "--file", "-", stdin="\n".join(payments))
        example.run("--fail-on-dead", code=1)
        asked = them.asked()

    # Three attempts of a second each, with 1 s and 2 s between them
    assert [request.text for request in asked["FB0007"]] == ["..."] * 3
    assert {order: requests[-1].text for order, requests in asked.items()} == {
        f"FB{number:04}": "..." if number == 7 else "success" for number in range(1, 11)
    }
    letters = example.dead_letters()
    assert list(letters) == ["notify_merchant"]
    letter = letters["notify_merchant"]
    assert (letter["order"], letter["ebats-reason"], letter["ebats-attempt"]) == ("FB0007", "exhausted", 3)
    told = (example.folder / "logs" / "alerts.txt").read_text(encoding="utf-8")
    assert "[critical] payments: 1 dead letter of notify_merchant within 5m" in told
    (kept,) = [record for record in example.records() if record["task"] == "mark_failed"]
    assert (kept["outcome"], kept["labels"], kept["event"]) == (
        "success",
        {"order": "FB0007"},
        "merchant_silent",
    )


@pytest.mark.slow
def test_who_has_another_secret_is_refused_by_the_merchants(tmp_path: Path, rabbitmq: Broker) -> None:
    secret = "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCBrZXk="
    example = Example("payments", tmp_path, rabbitmq, PAYMENTS_SECRET=secret)
    shorten(example)
    with merchants(example, think_s=0) as them:
        example.publish("order_paid", "-d", them.payment("FB0001", "/good"))
        example.run("--fail-on-dead", code=1)
        lines = them.output.read_text().splitlines()[1:]

    assert len(lines) == 3
    assert all("refused: No matching signature found" in line for line in lines), lines


def check_waits(requests: list[Request], think_s: float) -> None:
    """Each wait counts from the answer before it, and is never shorter than its rung."""
    waits = [(after.time_s - before.time_s) % DAY_S for before, after in pairwise(requests)]
    for wait, rung in zip(waits, RUNGS_S, strict=False):
        assert wait >= think_s + rung - ROUNDING_S, waits
