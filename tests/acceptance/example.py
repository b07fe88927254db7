"""A copy of an example, and the commands that a user runs on it."""

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

from kombu import Connection

import ebats  # noqa: F401 - names the embedded broker's transport
from tests.commands import run_ebats
from tests.conftest import Broker

EXAMPLES = Path(__file__).parents[2] / "examples"
Records = list[dict[str, Any]]


class Example:
    """A copy of an example, and the commands run on it."""

    def __init__(self, name: str, folder: Path, broker: Broker, **variables: str) -> None:
        """Copy the example into a folder, without what earlier runs may have left."""
        self.name = name
        self.folder = folder / name
        shutil.copytree(
            EXAMPLES / name, self.folder, ignore=shutil.ignore_patterns("logs", "*.db*", "__pycache__")
        )
        self.url = broker.url
        self.file = self.folder / "pipeline.yaml"
        state = str(folder / "state")
        env = {"EBATS_BROKER_URL": broker.url, "EBATS_STATE_DIR": state, **variables}
        self._ebats = partial(run_ebats, env=env, cwd=folder, timeout_s=100)

    def publish(self, *args: str | Path, stdin: str = "") -> None:
        """Run `ebats publish`; it has to work."""
        result = self._ebats("publish", self.file, *args, stdin=stdin)
        assert result.returncode == 0, result.stderr

    def run(self, *flags: str, code: int = 0) -> str:
        """Run the pipeline until it is idle and return what it printed."""
        result = self._ebats(self.file, "--until-idle", *flags, program="ebats-run")
        assert result.returncode == code, result.stdout[-4000:] + result.stderr
        return result.stdout

    def status(self) -> dict[str, Any]:
        """Run `ebats status`."""
        result = self._ebats("status", self.file, "--format", "json")
        assert result.returncode == 0, result.stderr
        status: dict[str, Any] = json.loads(result.stdout)
        return status

    def records(self) -> Records:
        """Return the executions that the example's log file holds."""
        lines = (self.folder / "logs" / f"{self.name}.jsonl").read_text(encoding="utf-8").splitlines()
        return [record for line in lines if (record := json.loads(line))["kind"] == "execution"]

    def dead_letters(self) -> dict[str, dict[str, Any]]:
        """Take all dead letters from the broker: task to headers, with the order from the body."""
        letters = {}
        with Connection(self.url) as connection, connection.channel() as channel:
            while message := channel.basic_get(f"{self.name}.dead", no_ack=True):
                order = json.loads(message.body)["order_id"]
                letters[message.headers["ebats-task"]] = {**message.headers, "order": order}
        return letters
