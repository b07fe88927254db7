"""Names of hosts to addresses: looked up on threads of their own, so that a slow one holds up no other."""

import asyncio
import socket
import threading
from contextlib import suppress

from aiohttp.abc import AbstractResolver, ResolveResult

#: Lookups at once. The event loop's own threads are few (uvloop has four), and a name
#: whose servers are dead takes ten seconds and more of one.
_AT_ONCE = 64


class Names(AbstractResolver):
    """Asks the operating system; aiohttp's connector asks once at a time, and keeps answers for seconds."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a host.

        Raises:
            OSError: it has none, or nobody could say.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[ResolveResult] | OSError] = loop.create_future()

        def settle(found: list[ResolveResult] | OSError) -> None:
            if not answer.done():
                answer.set_result(found)

        def ask() -> None:
            found = _look_up(host, port, family)
            # The process may be leaving.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, found)

        async with self._places:
            threading.Thread(target=ask, name="look-up", daemon=True).start()
            found = await answer
        if isinstance(found, OSError):
            raise found
        return found

    async def close(self) -> None:
        """Do nothing: threads that still ask end with their process."""


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult] | OSError:
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except OSError as error:
        return error
    except UnicodeError as error:
        return OSError(f"no name of a host: {error}")
    return [_result(host, family, address) for family, _, _, _, address in found]


def _result(host: str, family: socket.AddressFamily, address: tuple[object, ...]) -> ResolveResult:
    # Behind an IPv6 address stand its flow and its scope.
    scope = f"%{address[3]}" if len(address) == 4 and address[3] else ""
    return ResolveResult(
        hostname=host,
        host=f"{address[0]}{scope}",
        port=int(str(address[1])),
        family=family,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
