"""Opening a connection to the broker: its address, its options, its errors."""

import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from amqp.exceptions import AccessRefused, AMQPError, NotAllowed
from kombu.connection import Connection

import ebats  # noqa: F401 - registers the embedded broker with kombu
from ebats.pipelines.model import Broker
from ebats.pipelines.problems import EbatsError
from ebats.runner.broker import properties, timestamps
from ebats.runner.broker.sqlite import errors

#: py-amqp's own is 1 s, which ends a connection at every stall of the network.
_TCP_USER_TIMEOUT_MS = 10_000
_LONGEST_BACK_OFF_S = 10.0

#: What a connection may raise when the broker is away, or refuses.
BROKER_ERRORS: tuple[type[BaseException], ...] = (AMQPError, OSError, EOFError, ConnectionError)
#: Of them those about the user, the password or the virtual host.
LOGIN_ERRORS = (AccessRefused, NotAllowed)

timestamps.accept_all()
properties.accept_all()


class BrokerUnusable(EbatsError):
    """Raised when the embedded broker's file is wrong, and waiting can't help."""

    exit_code = 78


#: Says something about the connection: (level, text).
Say = Callable[[str, str], None]


def open_connection(broker: Broker, url: str, say: Say | None = None) -> Connection:
    """Return an open kombu connection to one of the broker's URLs; `say` is told when the broker blocks it.

    Raises:
        BROKER_ERRORS: it can't be reached, or refuses.
    """
    connection = Connection(url) if url.startswith("sqlite:") else _amqp(broker, url, say)
    connection.connect()
    if not url.startswith("sqlite:"):
        # py-amqp would look for it before each publish, with three system calls; whoever publishes
        # here reads what the broker says anyway.
        raw = connection.connection
        raw.client_properties = raw.client_properties | {"capabilities": {}}
    if not broker.keepalive and isinstance(connection.connection.sock, socket.socket):
        # py-amqp turns it on and has no option for it.
        connection.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
    return connection


def connect(
    broker: Broker, say: Say, stop: Callable[[], bool] = lambda: False, say_alarm: Say | None = None
) -> Connection | None:
    """Return an open connection to the first of the broker's URLs that answers; wait until one does.

    What is wrong is said once, and again when it changes. None: `stop` became true meanwhile.
    `say_alarm` is told when the broker blocks it, where `say` isn't to be.

    Raises:
        BrokerUnusable: the embedded broker's file is wrong, and no waiting helps.
    """
    said: dict[str, str] = {}
    for url, pause_s in _tries(broker):
        try:
            return open_connection(broker, url, say_alarm or say)
        except BROKER_ERRORS as error:
            check_lasting(broker, error)
            text = f"the broker at {masked(url)} can't be reached: {_why(error)}; trying on"
            if text != said.get(url):
                say("warning", text)
                said[url] = text
        if _paused(pause_s, stop):
            return None
    return None


def check_lasting(broker: Broker, error: BaseException) -> None:
    """Raise BrokerUnusable for what an embedded broker says when trying again can't help.

    A RabbitMQ that says the same may be mended while everybody waits.
    """
    if broker.urls[0].startswith("sqlite:") and (text := errors.lasting(error)):
        raise BrokerUnusable(f"the embedded broker's file {text}") from error


def masked(url: str) -> str:
    """Return a URL without its password."""
    scheme, _, rest = url.partition("://")
    user, at, host = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{host}"


def _tries(broker: Broker) -> Iterator[tuple[str, float]]:
    pause_s = 0.1
    while True:
        for url in broker.urls:
            # Not all processes at once, after an outage.
            yield url, pause_s * random.uniform(0.5, 1.0)
        pause_s = min(pause_s * 2, _LONGEST_BACK_OFF_S)


def _paused(seconds: float, stop: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not (stopped := stop()) and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(left, 0.1))
    return stopped


def _why(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _amqp(broker: Broker, url: str, say: Say | None) -> Connection:
    # A plain amqp:// takes librabbitmq where that is installed, which is dead since 2018.
    scheme, _, rest = url.partition("://")
    return Connection(
        f"pyamqp://{rest}",
        ssl=_tls(broker, url) if scheme == "amqps" or broker.tls else False,
        heartbeat=broker.heartbeat_s,
        connect_timeout=broker.connect_timeout_s,
        login_method=broker.login_method,
        transport_options=_options(broker) | (_blocking(say) if say else {}),
    )


def _options(broker: Broker) -> dict[str, Any]:
    options: dict[str, Any] = {"read_timeout": broker.read_timeout_s, "write_timeout": broker.write_timeout_s}
    if user_timeout := getattr(socket, "TCP_USER_TIMEOUT", None):
        options["socket_settings"] = {user_timeout: _TCP_USER_TIMEOUT_MS}
    if broker.locale:
        options["locale"] = broker.locale
    return options


def say_blocked(say: Say, reason: str) -> None:
    """Say that the broker takes no messages for now, and why."""
    say("warning", f"the broker takes no messages for now: {reason}; what is to be published waits")


def say_unblocked(say: Say) -> None:
    """Say that it does again."""
    say("info", "the broker takes messages again")


def _blocking(say: Say) -> dict[str, Any]:
    """Return what is called when an alarm of the broker, on memory or disk, stops all publishing."""
    return {"on_blocked": partial(say_blocked, say), "on_unblocked": partial(say_unblocked, say)}


def _tls(broker: Broker, url: str) -> dict[str, Any]:
    # Without server_hostname py-amqp verifies no name, and with None kombu turns localhost into an address.
    tls: dict[str, Any] = {"server_hostname": urlsplit(url).hostname, "cert_reqs": ssl.CERT_REQUIRED}
    if broker.tls:
        for name in ("ca_certs", "certfile", "keyfile"):
            if path := getattr(broker.tls, name):
                tls[name] = path
    return tls
