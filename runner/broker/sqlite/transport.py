"""The kombu transport for `sqlite://` URLs."""

import sqlite3
from typing import Any

import amqp
from kombu.transport import base

from ebats.runner.broker.sqlite.connection import Connection
from ebats.runner.broker.sqlite.store import Store


class Transport(base.Transport):
    """A broker in one file, shared by the processes of one machine: `sqlite:///relative`, `sqlite:////absolute`.

    Its channels are those of py-amqp in names, arguments and errors, so that callers needn't know which one
    they talk to. kombu's own virtual channels aren't used: they keep bindings in the process, know no
    dead-lettering, and give a message away before it is acknowledged.
    """

    default_port = None
    driver_type = "sqlite"
    driver_name = "sqlite3"

    connection_errors = amqp.Connection.connection_errors
    channel_errors = amqp.Connection.channel_errors
    recoverable_connection_errors = amqp.Connection.recoverable_connection_errors
    recoverable_channel_errors = amqp.Connection.recoverable_channel_errors

    implements = base.Transport.implements.extend(
        asynchronous=False,
        batch_publish=True,
        exchange_type=frozenset(["direct", "topic", "fanout"]),
        heartbeats=False,
    )

    def driver_version(self) -> str:
        """Name the version of SQLite."""
        return sqlite3.sqlite_version

    def establish_connection(self) -> Connection:
        """Open the database of the URL, making it if there is none."""
        client: Any = self.client
        return Connection(Store(client.virtual_host), client)

    def create_channel(self, connection: Connection) -> Any:
        """Open a channel."""
        return connection.channel()

    def drain_events(self, connection: Connection, **kwargs: Any) -> None:
        """Wait for events; see Connection.drain_events."""
        connection.drain_events(**kwargs)

    def verify_connection(self, connection: Connection) -> bool:
        """Say whether a connection can still be used."""
        return connection.connected

    def qos_semantics_matches_spec(self, connection: Connection) -> bool:  # noqa: ARG002
        """As RabbitMQ 3.3 and later: only a global prefetch reaches consumers that run already."""
        return False

    def close_connection(self, connection: Connection) -> None:
        """Close a connection in good order."""
        connection.client = None
        connection.close()

    def _collect(self, connection: Connection | None) -> None:
        # kombu calls this after a connection error, and in forked children, where it only lets go.
        if connection is not None:
            connection.collect()
