"""A TCP proxy between a client and a broker that can delay, block and cut its links."""

import contextlib
import select
import socket
import threading
import time


class Proxy:
    """Forward 127.0.0.1:port to the target until it is closed.

    `delay_s` holds each chunk back, `block()` forwards nothing while the links stay open (a half-open
    link), `cut()` resets every link, `refuse()` also resets new ones until `allow()`.
    """

    def __init__(self, target_port: int) -> None:
        """Listen on a free port of the loopback."""
        self.delay_s = 0.0
        self.cuts = 0
        self._target = ("127.0.0.1", target_port)
        self._flowing = {"up": threading.Event(), "down": threading.Event()}
        self._refusing = self._closed = False
        self._links: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.resume()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def links(self) -> int:
        """How many client connections are open."""
        return len(self._links) // 2

    def block(self, direction: str = "both") -> None:
        """Stop forwarding, `up` (client to broker), `down` or `both`, without closing anything."""
        for name in self._directions(direction):
            self._flowing[name].clear()

    def resume(self, direction: str = "both") -> None:
        """Forward again, starting with what was held back."""
        for name in self._directions(direction):
            self._flowing[name].set()

    def cut(self) -> None:
        """Reset every open link."""
        with self._lock:
            links, self._links = self._links, set()
        self.cuts += len(links) // 2
        for link in links:
            _reset(link)

    def refuse(self) -> None:
        """Reset every link, new ones too, until allow()."""
        self._refusing = True
        self.cut()

    def allow(self) -> None:
        """Take new links again."""
        self._refusing = False

    def close(self) -> None:
        """End the proxy and its links."""
        self._closed = True
        self._listener.close()
        self.resume()
        self.cut()
        for thread in self._threads:
            thread.join(5)

    def _directions(self, direction: str) -> list[str]:
        return ["up", "down"] if direction == "both" else [direction]

    def _accept(self) -> None:
        while not self._closed:
            if not select.select([self._listener], [], [], 0.2)[0] if self._listener.fileno() >= 0 else True:
                continue
            with contextlib.suppress(OSError):
                self._link(self._listener.accept()[0])

    def _link(self, client: socket.socket) -> None:
        if self._refusing:
            return _reset(client)
        try:
            broker = socket.create_connection(self._target, timeout=5)
        except OSError:
            return _reset(client)
        broker.settimeout(None)
        for link in (client, broker):
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._links |= {client, broker}
        for source, sink, name in ((client, broker, "up"), (broker, client, "down")):
            thread = threading.Thread(target=self._forward, args=(source, sink, name), daemon=True)
            self._threads.append(thread)
            thread.start()
        return None

    def _forward(self, source: socket.socket, sink: socket.socket, direction: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            while data := source.recv(65536):
                if self.delay_s:
                    time.sleep(self.delay_s)
                self._flowing[direction].wait()
                sink.sendall(data)
        with self._lock:
            self._links -= {source, sink}
        for link in (source, sink):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()


def _reset(link: socket.socket) -> None:
    """Close with RST, as a cut cable or a killed host would look like."""
    with contextlib.suppress(OSError):
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        link.shutdown(socket.SHUT_RDWR)
    link.close()
