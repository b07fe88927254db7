"""The embedded broker against a dictionary: after any steps, what is in it is what the model says."""

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.integration.broker_model import (
    BINDINGS,
    DEAD_LETTERS,
    LIMITS,
    QUEUES,
    QUORUM,
    ROUTES,
    Entry,
    Model,
)
from tests.integration.claimer import Claimed, Claimers, seen
from tests.integration.wire import Wire, confirms_of, rung_arguments, tag, work_arguments
from tests.waiting import wait_until

TTL_MS = 150
CLIENTS = ("one", "two")
WORKING = ("plain", "work", "dead")
CONTENTS = """
SELECT m.body, e.deliveries, e.owner > 0 FROM entry e JOIN message m ON m.id = e.id
WHERE e.queue = (SELECT id FROM queue WHERE name = ?) AND e.owner >= 0
"""
clients = st.sampled_from(CLIENTS)
queues = st.sampled_from((*WORKING, "work"))
few = st.integers(1, 4)
any_index = st.integers(0, 9)


@pytest.fixture(scope="module")
def claimers() -> Iterator[Claimers]:
    found = Claimers()
    yield found
    found.close()


class Machine(RuleBasedStateMachine):
    """The real thing and its model, side by side."""

    claimers: Claimers

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.folder = Path(tempfile.mkdtemp(prefix="ebats-model-"))
        self.url = f"sqlite:///{self.folder}/broker.db"
        #: A connection that looks, publishes, and takes nothing.
        self.eye = Wire(self.url)
        self.confirmed = confirms_of(self.eye.channel)
        self.published = 0
        self.wires = {name: Wire(self.url) for name in CLIENTS}
        #: What each client has: the delivery, and the entry of the model.
        self.hands: dict[str, list[tuple[Any, str, Entry]]] = {name: [] for name in CLIENTS}
        self.others: list[tuple[str, Claimed]] = []
        declare(self.eye)

    def teardown(self) -> None:
        self.claimers.kill_all()
        for wire in (*self.wires.values(), self.eye):
            wire.close()
        shutil.rmtree(self.folder)

    # -- what anybody may do

    @rule(places=st.lists(st.sampled_from(sorted(ROUTES)), min_size=1, max_size=5))
    def publish(self, places: list[tuple[str, str]]) -> None:
        """Publish messages in one go."""
        due = time.monotonic() + (TTL_MS - 2) / 1000  # the broker counts whole milliseconds
        for exchange, key in places:
            self.model.step += 1
            self.published += 1
            self.eye.publish(f"m-{self.published}", exchange, key)
            self.model.publish(exchange, key, f"m-{self.published}", due)
        self.eye.drain_until(lambda: len(self.confirmed) == self.published, "the confirms")

    @rule(client=clients, queue=queues)
    def get(self, client: str, queue: str) -> None:
        self.model.step += 1
        message = self.wires[client].channel.basic_get(queue)
        self.look_at_the_rung()
        if message is None:
            # A rung may hand on at any moment; what was there otherwise has to be found.
            assert all(entry.by_rung for entry in self.model.ready(queue))
            return
        self.take(client, queue, message)

    @rule(client=clients, queue=queues, prefetch=few)
    def consume(self, client: str, queue: str, prefetch: int) -> None:
        self.model.step += 1
        wire = self.wires[client]
        least = min(prefetch, len(self.model.ready(queue)))
        consumer = wire.consume(queue, prefetch)
        wire.drain_until(lambda: len(wire.messages) >= least, f"{least} deliveries")
        wire.channel.basic_cancel(consumer)
        messages = wire.receive(0)
        assert least <= len(messages) <= prefetch
        self.look_at_the_rung()
        for message in messages:
            self.take(client, queue, message)

    @precondition(lambda self: any(self.hands.values()))
    @rule(client=clients, index=any_index, multiple=st.booleans())
    def ack(self, client: str, index: int, multiple: bool) -> None:
        for message, queue, entry in self.let_go(client, index, multiple=multiple):
            if message:
                message.channel.basic_ack(tag(message), multiple=multiple)
            self.model.ack(queue, entry)

    @precondition(lambda self: any(self.hands.values()))
    @rule(client=clients, index=any_index, multiple=st.booleans(), requeue=st.booleans())
    def reject(self, client: str, index: int, multiple: bool, requeue: bool) -> None:
        for message, queue, entry in self.let_go(client, index, multiple=multiple):
            if message:
                message.channel.basic_nack(tag(message), multiple, requeue)
            if requeue:
                self.model.give_back(queue, entry)
            else:
                self.model.dead_letter(queue, entry, "rejected")

    @rule()
    def expire(self) -> None:
        wait_until(lambda: self.agrees() and not self.model.queues["rung"], 20, self.difference)

    @rule(queue=queues, count=few)
    def claim_elsewhere(self, queue: str, count: int) -> None:
        """Let another process take messages, and keep them."""
        self.model.step += 1
        claimed = self.claimers.claim(self.url, queue, count)
        self.look_at_the_rung()
        for found in claimed.messages:
            self.check_claimed(queue, found, f"process {claimed.pid}")
        self.others.append((f"process {claimed.pid}", claimed))

    @precondition(lambda self: self.others)
    @rule(index=any_index)
    def kill(self, index: int) -> None:
        """Kill a process that holds messages, or nothing: they come back, counted."""
        self.model.step += 1
        holder, claimed = self.others.pop(index % len(self.others))
        self.claimers.kill(claimed)
        for queue, entry in self.model.held(holder):
            self.model.give_back(queue, entry)
        wait_until(self.agrees, 20, self.difference)

    @rule(client=clients)
    def reopen(self, client: str) -> None:
        """Close a connection cleanly: what it held comes back, counted, as on RabbitMQ."""
        self.model.step += 1
        self.wires[client].close()
        self.wires[client] = Wire(self.url)
        for _, queue, entry in self.hands[client]:
            self.model.give_back(queue, entry)
        self.hands[client].clear()

    # -- what has to be so

    @invariant()
    def is_as_the_model_says(self) -> None:
        wait_until(self.agrees, 5, self.difference)

    def agrees(self) -> bool:
        for wire in (*self.wires.values(), self.eye):
            wire.drain(0)  # writes what was settled, gives the dead up, and hands on what is due
        self.look_at_the_rung()
        return self.found() == {name: self.model.contents(name) for name in QUEUES}

    def found(self) -> dict[str, Counter[tuple[str, int, bool]]]:
        return {name: Counter(self.rows(name)) for name in QUEUES}

    def difference(self) -> str:
        return f"{self.found()} is not {self.model}"

    def rows(self, queue: str) -> list[tuple[str, int, bool]]:
        rows = self.eye.connection.connection.store.read(CONTENTS, (queue,))
        return [(bytes(text).decode(), count, bool(held)) for text, count, held in rows]

    # -- what the rules share

    def look_at_the_rung(self) -> None:
        """Let the model hand on what the rung has handed on."""
        there = {text for text, *_ in self.rows("rung")}
        gone = [entry for entry in self.model.queues["rung"] if entry.body not in there]
        self.model.hand_on(gone, time.monotonic())

    def take(self, client: str, queue: str, message: Any) -> None:
        entry = self.check_claimed(queue, seen(message), client)
        self.hands[client].append((message, queue, entry))

    def check_claimed(self, queue: str, found: dict[str, Any], holder: str) -> Entry:
        """Hand over in the model what was handed over, and compare all that can be seen of it."""
        if queue in QUORUM:
            deliveries = found["count"] or 0
        else:
            assert found["count"] is None
            same = (entry for entry in self.model.ready(queue) if entry.body == found["body"])
            deliveries = next(same).deliveries
        entry = self.model.claim(queue, found["body"], deliveries, holder)
        assert (found["exchange"], found["key"]) == (entry.exchange, entry.key)
        assert found["redelivered"] == (deliveries > 0)
        assert [tuple(death) for death in found["deaths"]] == [*entry.deaths]
        return entry

    def let_go(self, client: str, index: int, *, multiple: bool) -> list[tuple[Any, str, Entry]]:
        """Take from a client's hands what is settled; of several only the last one's delivery is named."""
        self.model.step += 1
        hands = self.hands[client]
        if not hands:
            return []
        last = index % len(hands)
        first = 0 if multiple else last
        settled = hands[first : last + 1]
        del hands[first : last + 1]
        return [(None, queue, entry) for _, queue, entry in settled[:-1]] + settled[-1:]


def declare(wire: Wire) -> None:
    """Declare what the model knows."""
    for kind in ("direct", "topic", "fanout"):
        wire.exchange(kind, kind)
    wire.queue("plain", {})
    wire.queue("work", work_arguments("dead", LIMITS["work"]))
    wire.fanout_to_queue("dead")
    wire.fanout_to_queue("rung", rung_arguments(DEAD_LETTERS["rung"], TTL_MS))
    for exchange, key, queue in BINDINGS:
        wire.channel.queue_bind(queue, exchange, key)


def run(claimers: Claimers, examples: int, steps: int) -> None:
    """Let hypothesis look for steps after which broker and model differ."""
    Machine.claimers = claimers
    run_state_machine_as_test(
        Machine,
        settings=hypothesis.settings(
            max_examples=examples,
            stateful_step_count=steps,
            # A difference is waited for: to find fewer steps that lead to it would take hours.
            phases=(hypothesis.Phase.reuse, hypothesis.Phase.generate),
        ),
    )


@pytest.mark.slow
def test_after_any_steps_the_broker_holds_what_the_model_says(claimers: Claimers) -> None:
    run(claimers, examples=12, steps=30)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_after_any_of_many_steps_the_broker_holds_what_the_model_says(claimers: Claimers) -> None:
    run(claimers, examples=1_000, steps=60)
