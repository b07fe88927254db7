"""What a soak works on: a broker of its own, a pipeline with something of everything, and its runs."""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
from aiohttp import web

from tests.brokers import RabbitNode, Release
from tests.commands import RunningCommand
from tests.disks import small_disk_or_none
from tests.faults.site import Site
from tests.faults.soak.gauge import measure
from tests.faults.soak.ledger import Ledger
from tests.faults.soak.schedule import PREFETCH, PROCESSES
from tests.gateway import Gateway
from tests.merchant import Call, Merchant
from tests.proxy import Proxy
from tests.waiting import wait_until

#: The processes of a run that is well.
NAMES = (
    *("runner", "fork server", "writer", "gateway#1", "clock#1"),
    *(f"all#{number + 1}" for number in range(PROCESSES)),
)
LADDER = ["500ms", "1s", "2s"]


class World:
    """All that a soak starts, breaks and looks at."""

    def __init__(self, folder: Path, node: RabbitNode | None, proxy: Proxy | None, *, has_disk: bool) -> None:
        """Write the pipeline into a folder, for a node and links to it, or for the embedded broker."""
        self.node, self.proxy, self.has_disk = node, proxy, has_disk
        self.ledger = Ledger(folder)
        self.runs: list[RunningCommand] = []
        self.merchant = Merchant(self._called)
        self._refused: set[str] = set()
        url = node.url if node else f"sqlite:///{folder}/broker.db"
        self.site = Site(folder, url, "soak", self._start)
        self.gateway = Gateway(site=self.site)
        shutil.copy(Path(__file__).with_name("tasks.py"), folder / "soak_tasks.py")
        self.site.write(**self._sections())

    @property
    def url(self) -> str:
        """The broker, by links that are broken."""
        return (
            self.node.url.replace(str(self.node.port), str(self.proxy.port))
            if self.node and self.proxy
            else self.site.url
        )

    @property
    def log(self) -> Path:
        """The folder of the log, which may be a small disk."""
        return self.site.folder / "log"

    @property
    def command(self) -> RunningCommand:
        """The run as it is now."""
        return self.runs[-1]

    def start(self) -> None:
        """Start a run, and return when it takes messages and its gateway listens."""
        command = self.site.launch()
        for text in ("takes from", "listens on"):
            command.wait_for_output(text, 60)

    def processes(self, kind: str) -> list[psutil.Process]:
        """Return the processes of the run that are called like this, by their number."""
        return sorted(self.site.consumers(self.command, kind), key=lambda process: process.pid)

    def names(self) -> list[str]:
        """Return what the processes of the run are called."""
        return [sample.name for sample in measure(self.command.family())]

    def settled(self) -> bool:
        """Return whether all that was confirmed is done, the poisons are dead, and nobody is away."""
        if self.ledger.open_runs() or self.site.ready("dead") < len(self.ledger.poisons()):
            return False
        return sorted(self.names()) == sorted(NAMES)

    def open(self) -> str:
        """Return what isn't done, for the text of a failure."""
        left = sorted(self.ledger.open_runs())
        found = [
            f"{len(left)} runs aren't done: {left[:10]}",
            f"{self.site.ready('dead')} of {len(self.ledger.poisons())} poisons are dead",
            f"there are {', '.join(sorted(self.names()))}",
        ]
        return f"{'; '.join(found)}; {self.command.output[-3000:]}"

    def end(self) -> None:
        """End the run as an operator does, and wait until nobody is left."""
        self.site.end(self.command, deadline_s=60)

    def wait_gone(self) -> None:
        """Wait until nobody is left of a run that was killed."""
        family = self.command.family
        wait_until(lambda: not family(), 15, lambda: f"left behind: {family()}", every_s=0.2)

    def output(self) -> str:
        """Return all that the runs have printed."""
        return "".join(command.output for command in self.runs)

    def _start(self, *args: str | Path, **options: Any) -> RunningCommand:
        output = self.site.folder / f"run-{len(self.runs)}.out"
        self.runs.append(RunningCommand(args, output, **options))
        return self.runs[-1]

    def _sections(self) -> dict[str, Any]:
        work = {"python": "soak_tasks:work", "queue": "demo", "retry": "waits"}
        tell = {
            "method": "POST",
            "url": self.merchant.url("/{{ n }}"),
            "json": {"n": "{{ n }}", "do": "{{ do }}"},
        }
        return {
            "broker": {"url": self.url},
            "ladders": {"waits": LADDER},
            "queues": {"demo": {"crashes": 3}, "soon": {}},
            "tasks": {
                **dict.fromkeys(("left", "right", "alone", "late"), work),
                "soon": {**work, "python": "soak_tasks:work_async", "queue": "soon"},
                "tell": {"http": tell, "retry": "waits"},
                "fragile": {**work, "python": "soak_tasks:fragile"},
                "tick": {"python": "soak_tasks:tick"},
            },
            "events": {
                "pair": {"tasks": ["left", "right"]},
                "alone": {"tasks": ["alone"]},
                "later": {"tasks": [{"task": "late", "delay": "1500ms"}]},
                "soon": {"tasks": ["soon"]},
                "told": {"tasks": ["tell"]},
                "poisoned": {"tasks": ["fragile"]},
                "ticked": {"tasks": ["tick"]},
            },
            "producers": {
                "gateway": {"http": {"listen": f"127.0.0.1:{self.gateway.port}"}},
                "clock": {"every": "1s", "event": "ticked", "payload": "{{ tick }}", "missed": "all"},
            },
            "consumers": {"all": {"processes": PROCESSES, "concurrency": 6, "prefetch": PREFETCH}},
            "logs": {
                "console": {"std": {}},
                "events": {"file": {"path": "log/log.jsonl", "rotation": "4MB", "retention": 3}},
            },
        }

    async def _called(self, call: Call) -> web.StreamResponse:
        """Answer a callback; the first one of a message with 503 where it says so."""
        self.merchant.calls.clear()
        said = json.loads(call.body)
        answer = web.Response(text="success")
        if said["do"] == "fail_first" and said["n"] not in self._refused:
            self._refused.add(said["n"])
            answer = web.Response(status=503)
        else:
            self.ledger.done(said["n"], "tell")
        # What stays open between two calls would look like a descriptor that was left behind.
        answer.force_close()
        return answer


@contextmanager
def world(folder: Path, kind: str) -> Iterator[World]:
    """Make all that a soak on a broker of this kind needs, and leave nothing of it behind."""
    with ExitStack() as stack:
        node = proxy = None
        if kind != "sqlite":
            node = stack.enter_context(RabbitNode(Release.find(kind)))
            proxy = stack.enter_context(Proxy(node.port))
        disk = stack.enter_context(small_disk_or_none(folder / "log"))
        found = World(folder, node, proxy, has_disk=disk is not None)
        stack.enter_context(found.merchant)
        try:
            yield found
        finally:
            for command in found.runs:
                command.kill_all()
