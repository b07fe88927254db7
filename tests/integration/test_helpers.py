"""The helpers that start brokers and commands, since every other test believes them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import kombu
import psutil
import pytest

from tests.brokers import RabbitNode
from tests.commands import RunningCommand, run_ebats
from tests.conftest import Broker
from tests.proxy import Proxy
from tests.waiting import wait_until


def test_a_test_has_a_virtual_host_of_its_own(rabbitmq: Broker) -> None:
    assert rabbitmq.node is not None
    with kombu.Connection(rabbitmq.url) as connection:
        connection.channel().queue_declare("seen", durable=True, auto_delete=False)
    assert rabbitmq.node.list_queues(rabbitmq.vhost) == ["seen"]
    assert rabbitmq.node.list_queues() == []


def test_a_node_shows_its_exchanges_and_bindings(rabbitmq: Broker) -> None:
    assert rabbitmq.node is not None
    with kombu.Connection(rabbitmq.url) as connection, connection.channel() as channel:
        channel.exchange_declare("events", "topic", durable=True, auto_delete=False)
        channel.queue_declare("work", durable=True, auto_delete=False)
        channel.queue_bind("work", "events", "a.*")
    assert rabbitmq.node.list_exchanges(rabbitmq.vhost) == ["events"]
    assert rabbitmq.node.list_bindings(rabbitmq.vhost) == [("events", "a.*", "work")]


def test_a_user_may_do_only_what_was_permitted(rabbitmq: Broker) -> None:
    node = rabbitmq.node
    assert node is not None
    user = f"user-{rabbitmq.prefix}"
    node.add_user(user, "secret")
    node.permit(user, rabbitmq.vhost, configure=r"^shop\\..*", write="^$", read=".*")
    with kombu.Connection(node.url_of(rabbitmq.vhost, user, "secret")) as connection:
        channel = connection.channel()
        channel.queue_declare("shop.a", durable=True, auto_delete=False)
        with pytest.raises(connection.channel_errors, match="ACCESS_REFUSED"):
            channel.queue_declare("other", durable=True, auto_delete=False)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["rabbitmq310", "rabbitmq40"])
def test_a_killed_node_comes_back_on_its_port_with_its_queues(
    kind: str, own_node: Callable[..., RabbitNode]
) -> None:
    node = own_node(kind)
    assert node.version.startswith({"rabbitmq310": "3.10.", "rabbitmq40": "4.0."}[kind])
    with kombu.Connection(node.url) as connection:
        connection.channel().queue_declare("kept", durable=True, auto_delete=False)
    # Nothing was confirmed, so nothing says that the queue is on the disk already.
    node.evaluate("mnesia:sync_log().")
    node.kill()
    assert not node.running
    node.start()
    assert node.list_queues() == ["kept"]
    node.restart()
    assert node.list_queues() == ["kept"]


@pytest.mark.slow
def test_a_node_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = (
        "import signal, sys\nfrom tests.brokers import *\n"
        "node = RabbitNode(Release.find('rabbitmq310'))\nnode.start()\n"
        "print(node._process.pid, node.folder, flush=True)\nsignal.pause()"
    )
    starter = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    with starter, starter.stdout as output:
        group, folder = output.readline().split()
        starter.kill()
    wait_until(lambda: not _in_group(int(group)), 10, "the node outlived its starter")
    subprocess.run(["rm", "-rf", folder], check=True)


def test_a_proxy_cuts_links_and_takes_new_ones(rabbitmq: Broker, proxy_to: Callable[[int], Proxy]) -> None:
    assert rabbitmq.node is not None
    proxy = proxy_to(rabbitmq.node.port)
    url = rabbitmq.url.replace(str(rabbitmq.node.port), str(proxy.port))
    with kombu.Connection(url) as connection:
        connection.connect()
        assert proxy.links == 1
        proxy.cut()
        with pytest.raises(connection.recoverable_connection_errors):
            connection.drain_events(timeout=5)
    with kombu.Connection(url) as connection:
        connection.connect()
    assert proxy.cuts == 1


def test_a_blocked_proxy_holds_what_was_sent(rabbitmq: Broker, proxy_to: Callable[[int], Proxy]) -> None:
    assert rabbitmq.node is not None
    proxy = proxy_to(rabbitmq.node.port)
    with kombu.Connection(rabbitmq.url.replace(str(rabbitmq.node.port), str(proxy.port))) as connection:
        channel = connection.channel()
        channel.queue_declare("work", durable=True, auto_delete=False)
        proxy.block("up")
        channel.basic_publish(channel.prepare_message(b"x"), "", "work")
        with kombu.Connection(rabbitmq.url) as other:
            assert other.channel().queue_declare("work", passive=True).message_count == 0
        proxy.resume()
        wait_until(lambda: channel.queue_declare("work", passive=True).message_count == 1)


def test_a_command_is_ended_with_the_orphans_that_it_left(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)\n"
        "print('started', flush=True)\ntime.sleep(60)"
    )
    command = RunningCommand(("-c", code), tmp_path / "output", program="python")
    command.wait_for_output("started")
    wait_until(lambda: len(command.children()) == 1)
    command.kill()
    assert len(command.family()) == 1
    command.kill_all()
    assert command.family() == []


def test_a_command_that_ends_too_early_shows_what_it_printed(tmp_path: Path) -> None:
    command = RunningCommand(("-c", "print('no luck')"), tmp_path / "output", program="python")
    with pytest.raises(AssertionError, match="no luck"):
        command.wait_for_output("never")
    assert command.wait() == 0


def test_a_command_runs_without_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EBATS_BROKER_URL", "amqp://elsewhere")
    code = "import os; print(os.environ.get('EBATS_BROKER_URL'), os.environ['X'])"
    assert run_ebats("-c", code, env={"X": "1"}, program="python").stdout == "None 1\n"


def test_polling_fails_with_its_message() -> None:
    start = time.monotonic()
    with pytest.raises(AssertionError, match="no bread"):
        wait_until(lambda: False, 0.1, "no bread")
    assert time.monotonic() - start < 5


def _in_group(group: int) -> bool:
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                return True
        except (ProcessLookupError, psutil.Error):
            continue
    return False
