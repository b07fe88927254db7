"""The embedded broker between threads, forks and processes that die."""

import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kombu
import pytest
from amqp.exceptions import ConnectionForced

import ebats  # noqa: F401  (makes sqlite:/// known to kombu)
from tests.integration.actor import actor
from tests.integration.wire import Wire, bodies
from tests.waiting import wait_until

#: From Python 3.12 on, forking warns where a test runner has threads.
forks = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/x.db"


@pytest.fixture
def wire(url: str) -> Iterator[Wire]:
    found = Wire(url)
    yield found
    found.close()


def in_child(work: Callable[[], None]) -> None:
    """Run something in a fork and fail if it does."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0


def owners(wire: Wire) -> int:
    count: int = wire.connection.connection.store.read("SELECT count(*) FROM owner")[0][0]
    return count


def test_two_connections_of_one_process_work_on_two_threads(url: str, wire: Wire) -> None:
    wire.queue("q")

    def publish() -> None:
        other = Wire(url)
        for start in range(0, 500, 50):
            other.send("q", *(str(number) for number in range(start, start + 50)))
        other.close()

    thread = threading.Thread(target=publish)
    thread.start()
    wire.consume("q")
    got: list[str] = []
    while len(got) < 500:
        messages = wire.receive(1)
        wire.ack(*messages)
        got += bodies(messages)
    thread.join(10)
    assert sorted(map(int, got)) == list(range(500))


def test_another_thread_may_acknowledge_while_one_waits(wire: Wire) -> None:
    wire.queue("q")
    wire.send("q", "a", "b")
    wire.consume("q", prefetch=1)
    (first,) = wire.receive(1)
    acknowledge = threading.Timer(0.2, wire.ack, [first])
    acknowledge.start()
    started = time.monotonic()
    wire.connection.drain_events(timeout=30)  # woken by the acknowledgement, not by the end of the wait
    acknowledge.join()
    assert bodies(wire.messages) == ["b"]
    assert time.monotonic() - started < 10


def test_the_socket_is_readable_when_another_process_has_published(url: str, wire: Wire) -> None:
    wire.queue("q")
    wire.consume("q")
    connection = wire.connection.connection
    wire.drain(0)
    with actor(url, "send", "q", "1"):
        end = time.monotonic() + 20
        while not select.select([connection.sock], [], [], min(5, connection.next_event_s()))[0]:
            assert time.monotonic() < end
            wire.drain(0)
    wire.drain_until(lambda: wire.messages, "the message")


@forks
def test_a_forked_child_can_not_use_the_parents_channel_but_its_own_connection(url: str, wire: Wire) -> None:
    wire.queue("q")

    def child() -> None:
        with pytest.raises(ConnectionForced, match="is another process's: open one after the fork"):
            wire.channel.basic_publish(wire.channel.prepare_message(b"no"), routing_key="q")
        own = Wire(url)
        own.send("q", "from the child")
        own.close()

    in_child(child)
    wire.send("q", "from the parent")
    assert [wire.get("q").body for _ in range(2)] == [b"from the child", b"from the parent"]


@forks
def test_what_a_child_wrote_survives_the_parents_close_and_its_own_death(url: str) -> None:
    parent = Wire(url)
    parent.queue("q")
    ready, closed = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            own = Wire(url)
            own.send("q", "before")
            os.write(ready[1], b"x")
            os.read(closed[0], 1)
            own.send("q", "after")  # its log must not have been deleted under its feet
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.read(ready[0], 1)
    parent.close()
    os.write(closed[1], b"x")
    os.waitpid(pid, 0)
    later = Wire(url)
    assert [later.get("q").body for _ in range(2)] == [b"before", b"after"]
    later.close()
    for end in (*ready, *closed):
        os.close(end)


def test_a_connection_that_is_forgotten_gives_its_messages_back(url: str, wire: Wire) -> None:
    wire.queue("q")
    wire.send("q", "a")
    forgotten: Any = Wire(url)
    assert forgotten.get("q").body == b"a"
    del forgotten
    import gc

    gc.collect()
    wire.consume("q")
    (message,) = wire.receive(1)
    assert message.delivery_info["redelivered"]


def test_nothing_is_left_of_dead_owners(url: str, wire: Wire) -> None:
    wire.queue("q")
    wire.send("q", "a", "b")
    with actor(url, "hold", "q", "2") as holder:
        holder.wait_for_lines(1)
        holder.kill()
    wire.consume("q")
    assert {message.properties["application_headers"]["x-delivery-count"] for message in wire.receive(2)} == {
        1
    }
    wait_until(lambda: owners(wire) == 1, 10)
    folder = Path(wire.connection.connection.store.files.folder)
    assert len(list(folder.glob("*.wake"))) == 1


def test_a_process_without_consumers_also_gives_back_what_the_dead_had(url: str, wire: Wire) -> None:
    wire.queue("q")
    wire.send("q", "a")
    with actor(url, "hold", "q", "1") as holder:
        holder.wait_for_lines(1)
        holder.kill()
    with pytest.raises(TimeoutError):
        wire.connection.drain_events(timeout=2.5)
    assert wire.ready("q") == 1


def test_an_idle_connection_writes_nothing_and_hardly_runs(wire: Wire) -> None:
    wire.queue("q")
    wire.consume("q")
    wire.drain(0.5)
    log = Path(wire.connection.connection.store.files.wal)
    size, used = log.stat().st_size, time.process_time()
    wire.drain_for(2)
    assert log.stat().st_size == size
    assert time.process_time() - used < 0.2


def test_a_message_due_in_a_moment_wakes_who_sleeps_until_later(url: str, wire: Wire) -> None:
    wire.exchange("x", "direct")
    wire.queue("rung", {"x-queue-type": "quorum", "x-message-ttl": 30, "x-dead-letter-exchange": ""})
    wire.queue("late", {"x-queue-type": "quorum", "x-message-ttl": 3_600_000, "x-dead-letter-exchange": "x"})
    wire.send("late", "later")
    wire.consume("late", prefetch=1)
    wire.receive(1)
    with kombu.Connection(url) as other:
        channel = other.channel()
        channel.basic_publish(channel.prepare_message(b"soon"), exchange="", routing_key="rung")
    # Its dead letter has no way but to itself, which is a cycle: it is gone as soon as somebody looks.
    wait_until(lambda: wire.drain(0.1) or wire.ready("rung") == 0, 5)


def test_many_processes_drain_a_queue_once(url: str, wire: Wire) -> None:
    wire.queue("q")
    wire.send("q", *(str(number) for number in range(300)))
    with actor(url, "work", "q", "20") as first, actor(url, "work", "q", "20") as second:
        wait_until(lambda: len(first.lines) + len(second.lines) >= 300, 30)
        wait_until(lambda: wire.ready("q") == 0, 10)
        assert len({*first.lines, *second.lines}) == len(first.lines) + len(second.lines)


def test_messages_without_a_place_wait_unseen_and_go_on_when_there_is_one(wire: Wire) -> None:
    wire.exchange("later", "direct")
    arguments = {"x-queue-type": "quorum", "x-message-ttl": 50, "x-dead-letter-exchange": "later"}
    once = {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}
    wire.queue("rung", {**arguments, **once, "x-dead-letter-routing-key": "k"})
    wire.send("rung", *(str(number) for number in range(1200)))
    wire.wait_ready("rung", 0)
    used = time.process_time()
    wire.drain_for(2)
    assert time.process_time() - used < 1  # tried now and then, not all the time
    wire.queue("q")
    wire.channel.queue_bind("q", "later", "k")
    wait_until(lambda: wire.drain(0.1) or wire.ready("q") == 1200, 20)
