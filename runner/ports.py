"""Whether the gateways of a run can listen where the file says: found out before anything starts."""

import errno
import socket
from collections.abc import Collection, Iterator
from contextlib import closing, suppress

from ebats.pipelines import rules
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import BadFile, Problem
from ebats.pipelines.producer import HttpProducer

_ANSWER_S = 1.0
_ANSWER_BYTES = 4096
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}

_HINTS = {
    errno.EADDRINUSE: "another program has the port: end it, or choose another port",
    errno.EACCES: "this user may not have that port: choose one above 1023",
    errno.EADDRNOTAVAIL: "this machine has no such address: choose one of its own, or 0.0.0.0",
}


def check(pipeline: Pipeline, only: Collection[str] = ()) -> None:
    """Try the ports of a pipeline's gateways: of all, or `only` some.

    Raises:
        BadFile: with those that can't be listened on, each at its place.
    """
    gateways = [
        producer
        for producer in pipeline.producers.values()
        if isinstance(producer, HttpProducer) and (not only or producer.name in only)
    ]
    problems = [
        Problem(
            place=gateway.place,
            rule=rules.PORT_TAKEN,
            text=f"`{gateway.name}` can't listen on {gateway.host}:{gateway.port}: {why}",
            hint=hint,
        )
        for gateway in gateways
        for why, hint in _wrong(pipeline.name, gateway.host, gateway.port)
    ]
    if problems:
        raise BadFile(tuple(problems))


def _wrong(name: str, host: str, port: int) -> Iterator[tuple[str, str]]:
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in addresses:
            _bind(family, kind, protocol, address)
    except socket.gaierror as error:
        yield f"{error.strerror or error}", "write an address of this machine"
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, "choose another address or port")
        yield f"{error.strerror or error}", hint
    else:
        if _is_somebody_elses(name, _EVERYWHERE.get(host, host), port):
            text = "another program that shares its ports listens there"
            yield text, "it would get some of the requests: end it, or choose another port"


def _bind(family: int, kind: int, protocol: int, address: object) -> None:
    with closing(socket.socket(family, kind, protocol)) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # As the gateway's processes do, and other runners of the same file.
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            tried.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        tried.bind(address)  # type: ignore[arg-type]


def _is_somebody_elses(name: str, host: str, port: int) -> bool:
    """Return whether what answers on a port is no gateway of this pipeline; what doesn't answer may be one.

    The kernel lets one user's programs share a port if all of them ask for it.
    """
    with suppress(OSError), socket.create_connection((host, port), _ANSWER_S) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := line.recv(_ANSWER_BYTES):
            answer += part
            if len(answer) >= _ANSWER_BYTES:
                break
        return answer.startswith(b"HTTP/") and f'"pipeline":"{name}"'.encode() not in answer
    return False
