"""`ebats.Publisher` in programs of several processes: forked ones, and at their exit."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from ebats import Publisher
from tests.brokers import free_port
from tests.conftest import Broker
from tests.integration.test_publisher import bodies, file, publisher, wire, write
from tests.integration.wire import Wire

__all__ = ["file", "publisher", "wire"]

PROGRAM = """\
import os, sys, threading
from ebats import Publisher
publisher = Publisher({file!r})
"""


def run(file: Path, program: str, code: int = 0) -> str:
    """Run a program that has a `publisher`."""
    text = PROGRAM.format(file=str(file)) + program
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", text], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (code, ""), done.stderr[-4000:]
    return done.stdout


def test_parent_and_children_of_a_fork_publish_side_by_side(
    file: Path, wire: Wire, main_broker: Broker
) -> None:
    """As a web server does that forks its workers from a master, here one that publishes, too."""
    output = run(
        file,
        """
import gc
publisher.publish("sent", "before")
def busy():
    for number in range(300): publisher.publish("sent", f"busy {number}")
thread = threading.Thread(target=busy); thread.start()
children = []
for child in range(4):
    pid = os.fork()
    if pid == 0:
        gc.collect()
        for number in range(20): publisher.publish("sent", f"child {child} {number}")
        publisher.publish_many(("sent", f"many {child} {number}") for number in range(20))
        print("done", flush=True); sys.exit(0)
    children.append(pid)
for number in range(20): publisher.publish("sent", f"parent {number}")
thread.join()
print([os.waitpid(pid, 0)[1] for pid in children])
publisher.publish("sent", "after")
""",
    )
    assert output.count("done") == 4
    assert "[0, 0, 0, 0]" in output
    found = bodies(wire, f"{main_broker.prefix}.quick", 1 + 300 + 4 * 40 + 20 + 1)
    assert len(set(found)) == len(found)


def test_a_publisher_that_was_made_before_the_fork_connects_in_each_child(
    file: Path, wire: Wire, main_broker: Broker
) -> None:
    output = run(
        file,
        """
import asyncio
assert not any(thread.name == "publisher" for thread in threading.enumerate())
for child in range(3):
    if os.fork() == 0:
        asyncio.run(publisher.publish_async("sent", child)) if child else publisher.publish("sent", child)
        sys.exit(0)
print([os.wait()[1] for _ in range(3)])
""",
    )
    assert output == "[0, 0, 0]\n"
    assert bodies(wire, f"{main_broker.prefix}.quick", 3) == ["0", "1", "2"]


def test_what_is_on_its_way_at_the_exit_goes_out(file: Path, wire: Wire, main_broker: Broker) -> None:
    run(
        file,
        """
publisher.publish("sent", "first")
def work(): publisher.publish_many(("sent", number) for number in range(200))
for _ in range(5): threading.Thread(target=work, daemon=True).start()
while publisher._shared.publisher()._waiting.__len__() < 100: pass
""",
    )
    wire.wait_ready(f"{main_broker.prefix}.quick", wire.ready(f"{main_broker.prefix}.quick"))
    assert wire.ready(f"{main_broker.prefix}.quick") > 100


def test_an_exit_says_nothing_where_the_broker_is_away(tmp_path: Path) -> None:
    path = write(tmp_path, "shop", f"amqp://127.0.0.1:{free_port()}/")
    output = run(
        path,
        """
import logging; logging.disable()
publisher._timeout_s = 0.3
publisher._declared = True
try: publisher.publish("sent", 1)
except Exception as error: print(type(error).__name__)
""",
    )
    assert output == "NotConfirmed\n"


def test_several_processes_publish_at_once(file: Path, wire: Wire, main_broker: Broker) -> None:
    program = PROGRAM.format(file=str(file)) + (
        "publisher.publish_many(('sent', f'{os.getpid()} {n}') for n in range(500))"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    found = bodies(wire, f"{main_broker.prefix}.quick", 2000)
    assert len(set(found)) == 2000


def test_a_killed_child_leaves_the_parent_its_connection(
    publisher: Publisher, wire: Wire, main_broker: Broker
) -> None:
    publisher.publish("sent", "before")
    pid = os.fork()
    if pid == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    connection = publisher._shared.publisher()
    publisher.publish("sent", "after")
    assert publisher._shared.publisher() is connection
    assert bodies(wire, f"{main_broker.prefix}.quick", 2) == ['"after"', '"before"']
