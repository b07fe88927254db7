"""A pipeline in a folder of its own, on one broker: written, run, fed and looked at by a fault test."""

import json
import os
import shutil
import sysconfig
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

import ebats  # noqa: F401 - names the embedded broker's transport
from ebats.pipelines.load import load
from ebats.runner.broker.declare import apply
from ebats.runner.broker.inspect import counts
from tests.commands import RunningCommand
from tests.faults.oracle import Oracle
from tests.faults.send import Message, Sender
from tests.integration.wire import Wire
from tests.waiting import wait_until

TASKS = Path(__file__).with_name("tasks.py")
START_DEADLINE_S = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message that was taken from a queue."""

    body: bytes
    headers: dict[str, Any]
    properties: dict[str, Any]
    exchange: str
    key: str

    @property
    def n(self) -> str:
        """The message's name, from its payload."""
        return str(json.loads(self.body)["n"])


class Site:
    """A pipeline's folder and what a test does with it."""

    def __init__(self, folder: Path, url: str, name: str, start: Callable[..., RunningCommand]) -> None:
        """Use a folder, and a name for the pipeline that nobody else has on the broker."""
        self.folder, self.url, self.name = folder, url, name
        self.oracle = Oracle(folder)
        self.file = folder / "pipeline.yaml"
        self._start = start
        #: What its runs have in their environment beside what they always have.
        self.more_environ: dict[str, str] = {}
        shutil.copy(TASKS, folder / "tasks.py")

    def write(self, **sections: Any) -> None:
        """Write the file: these sections, and what every file has. JSON is YAML."""
        pipeline = {
            "version": 1,
            "name": self.name,
            "broker": {"url": self.url},
            "grace": "5s",
            "logs": {"console": {"std": {}}, "history": {"file": {"path": "log.jsonl"}}},
            **sections,
        }
        self.file.write_text(json.dumps(pipeline, indent=2))

    def write_work(self, consumer: Mapping[str, Any] | None = None, **task: Any) -> None:
        """Write a file with one event, `happened`, and its one task, `work`."""
        self.write(
            tasks={"work": {"python": "tasks:work", **task}},
            events={"happened": {"tasks": ["work"]}},
            consumers={"all": dict(consumer or {})},
        )

    def start(self, *flags: str) -> RunningCommand:
        """Start the pipeline, and return when it takes messages."""
        command = self.launch(*flags)
        command.wait_for_output("takes from", START_DEADLINE_S)
        return command

    def launch(self, *flags: str) -> RunningCommand:
        """Start the pipeline."""
        env = {"EBATS_STATE_DIR": str(self.folder / "state"), **self.more_environ}
        return self._start(self.file, *flags, program="ebats-run", env=env, cwd=self.folder)

    def command_line(self, *flags: str) -> list[str]:
        """Return what starts the pipeline, for tests that give it other streams."""
        return [str(Path(sysconfig.get_path("scripts"), "ebats-run")), str(self.file), *flags]

    def environ(self) -> dict[str, str]:
        """Return the environment of such a start."""
        return {**os.environ, "EBATS_STATE_DIR": str(self.folder / "state")}

    def run(self, *flags: str, code: int = 0, deadline_s: float = 60) -> str:
        """Run the pipeline until nothing is left to do; return what it printed."""
        command = self.launch("--until-idle", *flags)
        assert command.wait(deadline_s) == code, command.output[-4000:]
        return command.output

    def end(self, command: RunningCommand, deadline_s: float = 40) -> None:
        """End a run as an operator does; it has to leave by itself, and nobody may be left."""
        command.terminate()
        assert command.wait(deadline_s) == 0, command.output[-4000:]
        wait_until(lambda: not command.family(), 10, "processes were left behind")

    def declare(self) -> None:
        """Make the pipeline's queues, without working anything off."""
        assert apply(load(str(self.file), {}), lambda _level, _text: None)

    # Messages in.

    def send(
        self, names: Iterable[str], exchange: str = "events", key: str = "happened", **payload: Any
    ) -> None:
        """Publish a message for each name, confirmed; `payload` says what their runs do."""
        self.send_messages([self.message(name, exchange, key, **payload) for name in names])

    def message(self, name: str, exchange: str = "events", key: str = "happened", **payload: Any) -> Message:
        """Return a message to the pipeline."""
        body = json.dumps({"n": name, **payload}).encode()
        return Message(name=name, exchange=f"{self.name}.{exchange}", key=key, body=body)

    def send_messages(self, messages: Iterable[Message]) -> None:
        """Publish messages, confirmed."""
        with closing(Sender(self.url, self.oracle)) as sender:
            sender.send(messages)

    # What became of them.

    def wait_done(self, deadline_s: float = 60) -> None:
        """Wait until all that was confirmed is done."""
        wait_until(self.oracle.is_done, deadline_s, self.oracle.missing, every_s=0.1)

    def wait_done_but(self, *others: str, deadline_s: float = 60) -> None:
        """Wait until all that was confirmed is done, but for some."""
        oracle = self.oracle
        wait_until(
            lambda: oracle.confirmed_names() - oracle.done_names() <= {*others}, deadline_s, oracle.missing
        )

    def wait_started(self, count: int, deadline_s: float = 30) -> None:
        """Wait until so many runs have begun."""
        wait_until(lambda: len(self.oracle.started()) >= count, deadline_s, f"{count} runs", every_s=0.05)

    def wait_ready(self, queue: str, count: int, deadline_s: float = 30) -> None:
        """Wait until so many messages lie in a queue, by its short name."""
        wait_until(
            lambda: self.ready(queue) == count,
            deadline_s,
            lambda: f"{queue}: {self.ready(queue)}",
            every_s=0.1,
        )

    def ready(self, queue: str) -> int:
        """Return how many messages lie in a queue, by its short name."""
        with closing(Wire(self.url)) as wire:
            return wire.ready(f"{self.name}.{queue}")

    def exists(self, queue: str) -> bool:
        """Return whether there is a queue, by its short name."""
        with closing(Wire(self.url)) as wire:
            return counts(wire.connection, [f"{self.name}.{queue}"])[f"{self.name}.{queue}"] is not None

    def delete(self, queue: str) -> None:
        """Delete a queue, by its short name, with all that is in it."""
        with closing(Wire(self.url)) as wire:
            wire.channel.queue_delete(f"{self.name}.{queue}")

    def take(self, queue: str = "dead") -> list[Letter]:
        """Take all messages from a queue, by its short name."""
        with closing(Wire(self.url)) as wire:
            letters = []
            while message := wire.channel.basic_get(f"{self.name}.{queue}", no_ack=True):
                info = message.delivery_info
                letters.append(
                    Letter(
                        body=bytes(message.body or b""),
                        headers=dict(message.headers or {}),
                        properties=dict(message.properties),
                        exchange=info["exchange"],
                        key=info["routing_key"],
                    )
                )
            return letters

    def records(self, kind: str = "execution") -> list[dict[str, Any]]:
        """Return the records of the log file."""
        path = self.folder / "log.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [record for line in lines if (record := json.loads(line))["kind"] == kind]

    def consumers(self, command: RunningCommand, kind: str = "all#") -> list[psutil.Process]:
        """Return the consumer processes of a run."""
        title = f"ebats: {self.name} {kind}"
        return [process for process in command.children() if _title(process).startswith(title)]


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
