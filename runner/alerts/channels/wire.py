"""Connections of channels: each ends at its deadline, goes where the file says, and through no proxy."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from ebats import __version__

#: For everything: looking up, connecting, sending, waiting, reading.
TIMEOUT_S = 10.0
#: What is read of an answer.
_MOST_BYTES = 65_536
#: The answer is read as it comes, and the connection is for one request.
_OURS = {"Accept-Encoding": "identity", "Connection": "close"}
#: What a URL may hold as it is, https://www.rfc-editor.org/rfc/rfc3986#section-2
_SAFE = "!$%&'()*+,/:;=?@[]~"


class NoAnswer(Exception):
    """Raised when there was no answer; its text says why, without the URL, which may hold a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the other side says to a request."""

    status: int
    retry_after: str | None
    body: bytes

    @property
    def text(self) -> str:
        """The body as a text, whatever it is."""
        return self.body.decode("utf-8", "replace")


def post(url: str, body: bytes, headers: Mapping[str, str], timeout_s: float = TIMEOUT_S) -> Answer:
    """POST a body and return the answer, whatever it is: redirects aren't followed.

    Proxies of the environment aren't used, and certificates and host names are verified.

    Raises:
        NoAnswer: there was none within `timeout_s`.
    """
    parts = urlsplit(url)
    context = ssl.create_default_context() if parts.scheme == "https" else None
    port = parts.port or (443 if context else 80)
    target = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_SAFE)
    names = {name.lower() for name in headers}
    ends = time.monotonic() + timeout_s
    ours = {"Host": parts.netloc.rpartition("@")[2], "User-Agent": f"ebats/{__version__}", **_OURS}
    sent = {name: text for name, text in ours.items() if name.lower() not in names} | dict(headers)
    try:
        with connected(parts.hostname or "", port, timeout_s, context) as connection:
            client = http.client.HTTPConnection(parts.hostname or "", port)
            client.sock = connection
            client.request("POST", target, body, {name: text.encode() for name, text in sent.items()})
            with client.getresponse() as response:
                body = response.read(_MOST_BYTES)
                if time.monotonic() >= ends:
                    # What was cut short by us may look like an answer.
                    raise TimeoutError
                return Answer(
                    status=response.status, retry_after=response.getheader("Retry-After"), body=body
                )
    except http.client.RemoteDisconnected:
        raise NoAnswer("the other side closed the connection without an answer") from None
    except OSError as error:  # first: a certificate's is a ValueError too
        raise NoAnswer(why(error, timeout_s)) from None
    except (http.client.HTTPException, ValueError) as error:
        raise NoAnswer(f"the answer is no HTTP: {type(error).__name__}") from None


@contextmanager
def connected(
    host: str, port: int, timeout_s: float = TIMEOUT_S, context: ssl.SSLContext | None = None
) -> Iterator[socket.socket]:
    """Yield a connection, encrypted where there is a context; after so many seconds all waiting on it ends.

    Raises:
        TimeoutError: the time is over.
        OSError: there is no connection.
    """
    ends = time.monotonic() + timeout_s
    plain = socket.create_connection((host, port), timeout_s)
    try:
        with _ending(plain, max(0.01, ends - time.monotonic())):
            connection = context.wrap_socket(plain, server_hostname=host) if context else plain
            try:
                yield connection
            finally:
                connection.close()
    except OSError:
        if time.monotonic() >= ends:
            raise TimeoutError from None
        raise
    except (http.client.HTTPException, EOFError):
        if time.monotonic() >= ends:
            raise TimeoutError from None
        raise
    finally:
        plain.close()


@contextmanager
def _ending(connection: socket.socket, seconds: float) -> Iterator[None]:
    """Shut a connection down after so many seconds.

    A socket's own time-out is for each read: a server that sends a byte now and then would hold us for ever.
    """
    twin = connection.dup()  # which stays good when the other one becomes part of an encrypted connection

    def shut() -> None:
        with suppress(OSError):
            twin.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, shut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        twin.close()


def why(error: OSError, timeout_s: float = TIMEOUT_S) -> str:
    """Return, for people, why there is no connection, or no answer."""
    match error:
        case TimeoutError():
            return f"no answer within {timeout_s:g} s"
        case ssl.SSLCertVerificationError():
            return f"its certificate isn't trusted: {error.verify_message}"
        case socket.gaierror():
            return f"its name isn't known: {error.strerror}"
        case _:
            return f"no connection: {error.strerror or error}"
