"""What a test asks of a RabbitMQ node: virtual hosts, users, lists; each within milliseconds."""

import socket
from pathlib import Path


class NodeClient:
    """A running node, seen from a test process that may not own it."""

    def __init__(self, folder: Path, port: int) -> None:
        """Take the node's folder and AMQP port."""
        self.folder = folder
        self.port = port

    def url_of(self, vhost: str = "", user: str = "guest", password: str = "guest") -> str:
        """Give the URL of a virtual host, the default one without a name."""
        return f"amqp://{user}:{password}@127.0.0.1:{self.port}/{vhost}"

    @property
    def url(self) -> str:
        """The URL of the default virtual host."""
        return self.url_of()

    @property
    def version(self) -> str:
        """The release that the node reports."""
        return self.evaluate("list_to_binary(rabbit_misc:version()).")

    def evaluate(self, expression: str) -> str:
        """Evaluate an Erlang expression in the node: a binary comes as text, anything else as a term."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(60)
            link.connect(str(self.folder / "control"))
            body = expression.encode()
            link.sendall(len(body).to_bytes(4, "big") + body)
            size = int.from_bytes(_receive(link, 4), "big")
            answer = _receive(link, size).decode()
        if answer[:1] != "+":
            raise RuntimeError(f"{expression} failed: {answer[1:]}")
        return answer[1:]

    def add_vhost(self, name: str) -> None:
        """Make a virtual host that guest may do everything in."""
        self.evaluate(f'rabbit_vhost:add(<<"{name}">>, <<"tests">>).')
        self.permit("guest", name)

    def delete_vhost(self, name: str) -> None:
        """Delete a virtual host with everything in it."""
        self.evaluate(f'rabbit_vhost:delete(<<"{name}">>, <<"tests">>).')

    def add_user(self, name: str, password: str) -> None:
        """Make a user who may do nothing yet."""
        self.evaluate(f'rabbit_auth_backend_internal:add_user(<<"{name}">>, <<"{password}">>, <<"tests">>).')

    def has_user(self, name: str) -> bool:
        """Say whether there is a user of this name."""
        return self.evaluate(f'rabbit_auth_backend_internal:exists(<<"{name}">>).') == "true"

    def permit(
        self, user: str, vhost: str = "/", configure: str = ".*", write: str = ".*", read: str = ".*"
    ) -> None:
        """Set a user's permissions in a virtual host, as regular expressions of names."""
        what = ", ".join(f'<<"{text}">>' for text in (user, vhost, configure, write, read, "tests"))
        self.evaluate(f"rabbit_auth_backend_internal:set_permissions({what}).")

    def list_queues(self, vhost: str = "/") -> list[str]:
        """List the names of the queues in a virtual host."""
        return self._names(f'[element(4, N) || N <- rabbit_amqqueue:list_names(<<"{vhost}">>)]')

    def list_exchanges(self, vhost: str = "/") -> list[str]:
        """List the names of the exchanges in a virtual host, those of the broker left out."""
        names = self._names(f'[element(4, element(2, X)) || X <- rabbit_exchange:list(<<"{vhost}">>)]')
        return [name for name in names if name and not name.startswith("amq.")]

    def list_bindings(self, vhost: str = "/") -> list[tuple[str, str, str]]:
        """List (exchange, key, queue) of a virtual host, the default exchange's left out."""
        rows = self._names(
            f"[[element(4, element(2, B)), 9, element(3, B), 9, element(4, element(4, B))]"
            f' || B <- rabbit_binding:list(<<"{vhost}">>)]'
        )
        parts = [row.split("\t") for row in rows]
        return sorted((source, key, queue) for source, key, queue in parts if source)

    def close_connections(self, vhost: str) -> None:
        """Close every client's connection to a virtual host from the broker's side.

        Tests that run at the same time share a node, each with a virtual host of its own.
        """
        self.evaluate(
            f'[rabbit_networking:close_connection(Pid, "closed by a test")'
            f' || [{{pid, Pid}}, {{vhost, <<"{vhost}">>}}]'
            f" <- rabbit_networking:connection_info_all([pid, vhost])]."
        )

    def _names(self, expression: str) -> list[str]:
        text = self.evaluate(f"iolist_to_binary(lists:join([10], [[E] || E <- {expression}])).")
        return sorted(text.split("\n")) if text else []


def _receive(link: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = link.recv(size - len(data))
        if not part:
            raise ConnectionError("the node closed its control socket")
        data += part
    return data
