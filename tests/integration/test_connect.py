"""How connections are opened: in turn, encrypted, with the file's settings."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from ebats.pipelines.model import Broker as Settings
from ebats.pipelines.tls import Tls
from ebats.runner.broker.connect import BROKER_ERRORS, connect, masked, open_connection
from tests.brokers import free_port
from tests.conftest import Broker, RabbitNode
from tests.waiting import wait_until

# py-amqp lets go of a socket whose handshake failed, but leaves the closing to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)

SETTINGS = Settings(urls=("unused",), connect_timeout_s=5.0)


@contextmanager
def tls_server(authority: trustme.CA, name: str) -> Iterator[tuple[int, list[bool]]]:
    """Serve handshakes with a certificate for one name; yield the port, and how each handshake ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    completed: list[bool] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    link, _ = server.accept()
                    with link:
                        try:
                            with context.wrap_socket(link, server_side=True) as encrypted:
                                completed.append(bool(encrypted.recv(8)))
                        except OSError:
                            completed.append(False)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], completed
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@pytest.mark.parametrize(("certified", "is_taken"), [("localhost", True), ("somebody.example", False)])
def test_only_a_certificate_for_the_hosts_own_name_is_taken(
    tmp_path: Path, certified: str, is_taken: bool
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with tls_server(authority, certified) as (port, completed):
        settings = replace(SETTINGS, tls=Tls(ca_certs=str(tmp_path / "ca.pem")))
        with pytest.raises(BROKER_ERRORS):  # nobody speaks AMQP there
            open_connection(settings, f"amqps://guest:guest@localhost:{port}//")
        wait_until(lambda: bool(completed), message="a handshake")
        assert completed[0] is is_taken


def test_a_certificate_of_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with tls_server(trustme.CA(), "localhost") as (port, _):
        settings = replace(SETTINGS, tls=Tls(ca_certs=str(tmp_path / "ca.pem")))
        with pytest.raises(ssl.SSLCertVerificationError):
            open_connection(settings, f"amqps://guest:guest@localhost:{port}//")


def test_the_next_url_is_tried_and_each_failure_is_said_once(rabbitmq: Broker) -> None:
    nowhere = [f"amqp://guest:secret@127.0.0.1:{free_port()}//" for _ in range(2)]
    said: list[str] = []
    settings = replace(SETTINGS, urls=(*nowhere, rabbitmq.url))
    connection = connect(settings, lambda _level, text: said.append(text))
    assert connection is not None
    connection.close()
    assert len(said) == 2
    assert all("secret" not in text for text in said)


def test_a_broker_that_is_away_is_said_once_for_each_url() -> None:
    said: list[str] = []
    tries = iter(range(12))
    urls = tuple(f"amqp://guest:guest@127.0.0.1:{free_port()}//" for _ in range(2))
    assert (
        connect(
            replace(SETTINGS, urls=urls), lambda _, text: said.append(text), lambda: next(tries, None) is None
        )
        is None
    )
    assert len(said) == 2


def test_heartbeats_keepalive_and_time_outs_are_the_files(rabbitmq: Broker) -> None:
    settings = replace(SETTINGS, heartbeat_s=7, keepalive=False, login_method="PLAIN", locale="en_US")
    connection = open_connection(settings, rabbitmq.url)
    raw = connection.connection
    assert raw.heartbeat == 7
    assert raw.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0
    assert (raw.read_timeout, raw.write_timeout) == (settings.read_timeout_s, settings.write_timeout_s)
    connection.close()


def test_an_alarm_of_the_broker_is_said_when_it_begins_and_when_it_is_over(
    own_node: Callable[[], RabbitNode],
) -> None:
    node = own_node()
    said: list[str] = []
    connection = open_connection(SETTINGS, node.url, lambda _level, text: said.append(text))
    channel = connection.channel()

    def drained(word: str) -> bool:
        with suppress(socket.timeout):
            connection.drain_events(timeout=0.1)
        return any(word in text for text in said)

    node.evaluate("rabbit_alarm:set_alarm({{resource_limit, disk, node()}, []}).")
    channel.basic_publish(channel.prepare_message(b"1"), exchange="", routing_key="nobody")
    wait_until(lambda: drained("takes no messages"), message="the alarm")
    node.evaluate("rabbit_alarm:clear_alarm({resource_limit, disk, node()}).")
    wait_until(lambda: drained("takes messages again"), message="the end of the alarm")
    connection.close()


def test_a_url_is_shown_without_its_password() -> None:
    assert masked("amqp://me:secret@host:5672/shop") == "amqp://me@host:5672/shop"
    assert masked("sqlite:////var/shop.db") == "sqlite:////var/shop.db"
