"""examples/gateway, with the real commands on both brokers: curl and a shop in JavaScript hand in orders."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.example import Example
from tests.brokers import free_port
from tests.commands import RunningCommand
from tests.conftest import Broker
from tests.node_scripts import Node
from tests.waiting import wait_until

TOKEN = "a-token-for-trying-it-out"


class Intake(Example):
    """The example, with its gateway on a port of this test."""

    def __init__(self, folder: Path, broker: Broker, start: Callable[..., RunningCommand]) -> None:
        """Copy and start it."""
        self.port = free_port()
        super().__init__("gateway", folder, broker, INTAKE_PORT=str(self.port))
        env = {"EBATS_BROKER_URL": broker.url, "INTAKE_PORT": str(self.port)}
        self.command = start(self.file, program="ebats-run", env=env, cwd=folder)
        wait_until(lambda: self.get("/readyz").startswith("200"), message=lambda: self.command.output)

    def get(self, path: str) -> str:
        """Ask with curl; return the status and what was answered."""
        return self._curl(path)

    def post(self, path: str, body: str, token: str = TOKEN) -> tuple[str, dict[str, object]]:
        """Post JSON with curl; return the status and the answer."""
        headers = (f"Authorization: Bearer {token}", "Content-Type: application/json")
        flags = [flag for header in headers for flag in ("-H", header)]
        status, _, answer = self._curl(path, *flags, "-d", body).partition(" ")
        return status, json.loads(answer)

    def shop(self, node: Node, order: str, city: str) -> "subprocess.CompletedProcess[str]":
        """Run the shop in JavaScript."""
        url = f"http://127.0.0.1:{self.port}"
        command = [node.program, str(self.folder / "shop.js"), url, TOKEN, order, city]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def _curl(self, path: str, *flags: str) -> str:
        command = ["curl", "-s", "-w", "\\n%{http_code}", *flags, f"http://127.0.0.1:{self.port}{path}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        answer, _, status = done.stdout.rpartition("\n")
        return f"{status} {answer}"


@pytest.fixture
def intake(tmp_path: Path, main_broker: Broker, start_ebats: Callable[..., RunningCommand]) -> Intake:
    """Give the example, running."""
    return Intake(tmp_path, main_broker, start_ebats)


def test_shops_in_any_language_hand_in_orders(intake: Intake, node: Node) -> None:
    done = intake.shop(node, "FB0001", "Beijing")
    assert (done.returncode, done.stdout) == (0, "accepted as FB0001-paid\n"), done.stderr
    status, answer = intake.post("/v1/events/order_paid", '{"order_id": "FB0002", "city": "Xi\'an"}')
    assert (status, len(answer["ids"])) == ("202", 1)  # type: ignore[arg-type]

    for text in ("FB0001 is on its way to Beijing", "FB0002 is on its way to Xi'an"):
        intake.command.wait_for_output(text)
    intake.command.terminate()
    assert intake.command.wait() == 0


def test_what_is_wrong_is_refused_and_says_where(intake: Intake, node: Node) -> None:
    done = intake.shop(node, "FB1", "Beijing")
    assert done.returncode == 1
    assert done.stderr.startswith("422: ")
    assert "order_id" in done.stderr
    status, _ = intake.post("/v1/events/order_paid", "{}", token="guessed")
    assert status == "401"
    assert "is on its way" not in intake.command.output
