"""Load beside a test whose broker comes and goes: from a publisher of its own, and by a gateway."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial

from tests.commands import RunningCommand
from tests.faults.send import Sender
from tests.faults.site import START_DEADLINE_S, Site
from tests.gateway import Answer, Gateway
from tests.waiting import PATIENCE, wait_until

BATCH = 20
PROCESSES, PREFETCH = 2, 20


def start_with_gateway(gateway: Gateway, url: str = "") -> RunningCommand:
    """Start a pipeline of two consumer processes, with ladders of at most two seconds, and a gateway.

    `url` is where its processes find the broker, if not where the test does.
    """
    site = gateway.site
    gateway.write(
        broker={"url": url or site.url},
        exchanges={},
        queues={},
        tasks={"work": {"python": "tasks:work", "retry": ["500ms", "1s", "2s"]}},
        events={"happened": {"tasks": ["work"]}},
        consumers={"all": {"processes": PROCESSES, "concurrency": 8, "prefetch": PREFETCH}},
    )
    command = site.start()
    command.wait_for_output("listens on", START_DEADLINE_S)
    wait_until(lambda: gateway.get("/readyz").status == 200, 40, "the gateway is not ready")
    return command


@dataclass(slots=True)
class Load:
    """What a publisher beside the test has done so far."""

    #: Batches that are confirmed as a whole.
    sent: int = 0

    def wait_for_more(self, batches: int = 10) -> None:
        """Wait until so many more batches are confirmed."""
        before = self.sent
        wait_until(lambda: self.sent >= before + batches, 40, "messages get sent")


@contextmanager
def stubborn_load(site: Site, pause_s: float = 0.05, name: str = "m") -> Iterator[Load]:
    """Publish beside the test whenever the broker takes it; what isn't confirmed goes out again.

    `name` begins the names of the messages.
    """
    stop, load = threading.Event(), Load()

    def publish() -> None:
        with closing(Sender(site.url, site.oracle)) as sender:
            while not stop.wait(pause_s):
                names = [f"{name}-{load.sent}-{number}" for number in range(BATCH)]
                # Half of them fail once, and wait on a rung meanwhile.
                batch = [
                    site.message(each, do="fail_once" if index % 2 else "")
                    for index, each in enumerate(names)
                ]
                while not sender.try_to_send(batch) and not stop.wait(0.3):
                    pass
                load.sent += 1

    with _beside(stop, publish):
        yield load


@dataclass(slots=True)
class Posts:
    """What was posted to a gateway beside the test, and what it answered."""

    gateway: Gateway
    #: How often each answer came, by its status and code: `503 unavailable`; `none` where none came.
    answers: Counter[str] = field(default_factory=Counter)
    #: The last refusal of each kind.
    refusals: dict[str, Answer] = field(default_factory=dict)
    #: The longest that an answer took.
    slowest_s: float = 0.0

    def wait_for_more(self, answer: str, count: int = 1, deadline_s: float = 60) -> None:
        """Wait until an answer has come so many times more."""
        before = self.answers[answer]
        wait_until(
            lambda: self.answers[answer] >= before + count, deadline_s, lambda: f"{answer}: {self.answers}"
        )

    def check_refusals(self) -> None:
        """Check that each refusal came soon, says when to come again, and what became of the messages."""
        for answer in self.refusals.values():
            assert int(answer.headers["retry-after"]) > 0, answer
            text = answer.json["error"]["message"]
            if answer.code == "unavailable":
                assert "nothing was published" in text
            else:
                assert "may have been published" in text
                assert "send them again with the same ids" in text
        # The first request that meets a broker that is silent is held for 10 s.
        assert self.slowest_s < 20 * PATIENCE, self.slowest_s


@contextmanager
def posting(
    gateway: Gateway, pause_s: float = 0.05, name: str = "g", failing: bool = True
) -> Iterator[Posts]:
    """Post requests beside the test; those of a 202 are confirmed.

    `name` begins the names of the messages. `failing`: half of them fail once.
    """
    stop, posts = threading.Event(), Posts(gateway)

    def post(thread: int) -> None:
        number = 0
        while not stop.wait(pause_s):
            number += 1
            _post(posts, [f"{name}{thread}-{number}-{index}" for index in range(BATCH)], failing)

    with _beside(stop, partial(post, 1), partial(post, 2)):
        yield posts


def _post(posts: Posts, names: list[str], failing: bool) -> None:
    oracle = posts.gateway.site.oracle
    items = [
        {
            "event": "happened",
            "id": name,
            "payload": {"n": name, "do": "fail_once" if failing and index % 2 else ""},
        }
        for index, name in enumerate(names)
    ]
    oracle.attempting(names)
    began = time.monotonic()
    try:
        answer = posts.gateway.post("/v1/messages", items, timeout_s=120)
    except (OSError, json.JSONDecodeError):
        posts.answers["none"] += 1
        return
    posts.slowest_s = max(posts.slowest_s, time.monotonic() - began)
    if answer.status == 202:
        oracle.confirmed(names)
        posts.answers["202"] += 1
        return
    kind = f"{answer.status} {answer.code}"
    posts.answers[kind] += 1
    posts.refusals[kind] = answer
    oracle.confirmed(answer.json["error"].get("confirmed", ()))


@contextmanager
def _beside(stop: threading.Event, *work: Callable[[], None]) -> Iterator[None]:
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(120)
