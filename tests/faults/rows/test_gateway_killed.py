"""Row 4, a gateway killed while it takes requests of 1,000 messages: all of a 202 is there, under its ids."""

import http.client
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

import pytest

from tests.faults.rows.finding import Finding
from tests.faults.rows.forms import forms
from tests.faults.rows.lines import check_told
from tests.faults.site import Site
from tests.gateway import Gateway
from tests.integration.wire import Wire
from tests.waiting import wait_until

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Form:
    """How often the gateway is killed, and how many post to it at once."""

    kills: int
    senders: int


class Load:
    """Requests posted by several senders, each again and again with the same key until it is answered."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.stop = threading.Event()
        #: How often each key was sent; those that were answered 202.
        self.sent: Counter[str] = Counter()
        self.accepted: list[str] = []

    @contextmanager
    def running(self, senders: int) -> Iterator[None]:
        """Post beside the test; at the end of the block all has been answered."""
        threads = [threading.Thread(target=self._post_on, args=(number,)) for number in range(senders)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(100)
        assert not any(thread.is_alive() for thread in threads), "a request is never answered"

    def _post_on(self, sender: int) -> None:
        oracle, number = self.gateway.site.oracle, 0
        while not self.stop.is_set():
            number += 1
            key = f"s{sender}-{number}"
            oracle.attempting(ids_of(key))
            while not self._post(key):
                if self.stop.wait(0.05) and not self._is_there():
                    return
            oracle.confirmed(ids_of(key))
            self.accepted.append(key)

    def _post(self, key: str) -> bool:
        # None has an id of its own: the key gives it.
        items = [{"queue": "alone", "payload": None}] * BATCH
        self.sent[key] += 1
        with suppress(OSError, http.client.HTTPException):
            answer = self.gateway.post("/v1/messages", items, {"Idempotency-Key": key})
            if answer.status == 202:
                assert answer.ids == ids_of(key)
                return True
        return False

    def _is_there(self) -> bool:
        with suppress(OSError, http.client.HTTPException):
            return self.gateway.get("/healthz").status == 200
        return False


def ids_of(key: str) -> list[str]:
    """Return the ids of a request's messages."""
    return [f"{key}-{number}" for number in range(BATCH)]


def kill_again_and_again(load: Load, form: Form) -> str:
    """Kill the gateway while it takes requests; return what the runner said."""
    gateway, site = load.gateway, load.gateway.site
    command = gateway.start()
    with load.running(form.senders):
        for kill in range(form.kills):
            seen = len(load.accepted)
            wait_until(lambda seen=seen: len(load.accepted) > seen + 1, 60, "nothing is taken")  # type: ignore[misc]  # mypy infers no type for a default
            for process in site.consumers(command, "gateway#"):
                os.kill(process.pid, signal.SIGKILL)
            wait_until(lambda kill=kill: command.output.count("listens on") > kill + 1, 60)  # type: ignore[misc]  # mypy infers no type for a default
        wait_until(lambda: gateway.get("/readyz").status == 200, 30, "the gateway is not ready")
    site.end(command)
    return command.output


def copies_in(site: Site, queue: str) -> Counter[str]:
    """Take all from a queue; return how often each id was there."""
    with closing(Wire(site.url)) as wire:
        name = f"{site.name}.{queue}"
        count = wire.ready(name)
        wire.consume(name, prefetch=5000, no_ack=True)
        return Counter(message.properties["message_id"] for message in wire.receive(count, 120))


@pytest.mark.row(4)
@forms(quick=Form(2, 2), full=Form(20, 4))
def test_what_was_answered_is_there_with_the_same_ids_though_the_gateway_is_killed(
    row_site: Site, finding: Finding, form: Form
) -> None:
    # Given a gateway under load
    gateway = Gateway(site=row_site)
    gateway.write()
    load = Load(gateway)

    # When it is killed again and again
    output = kill_again_and_again(load, form)

    # Then all that was answered is there, and nothing more often than it was sent
    copies = copies_in(row_site, "alone")
    finding.caused(form.kills)
    again = sum(count - 1 for count in load.sent.values())
    finding.note(f"{len(load.sent)} requests, {again} sent again: {copies.total() - len(copies)} copies more")
    finding.add(row_site.oracle.judge(waiting=copies), duplicates=0)
    for key, sent in load.sent.items():
        counts = {copies[name] for name in ids_of(key)}
        assert max(counts) <= sent, (key, sent, counts)
        # On the embedded broker a request is one transaction.
        assert len(counts) == 1 or "sqlite" not in row_site.url, (key, sent, counts)
    died = r"ERROR  runner  gateway#1 .* died: killed by SIGKILL"
    check_told(output, begins=died, over=r"gateway#1  listens on", at_most=form.kills + 1)
