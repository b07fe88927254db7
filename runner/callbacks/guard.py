"""Where a URL from a payload may lead: http(s), to allowed hosts or public addresses, and nowhere else."""

import ipaddress
import re
import socket
from collections.abc import Sequence

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from ebats.pipelines.allow_hosts import Address, AllowHosts, ends_in_number

_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
#: Global unicast, all of IPv6 that is routed: https://www.iana.org/assignments/ipv6-address-space
_ROUTED = ipaddress.IPv6Network("2000::/3")
#: An IPv4 address in its last 32 bits, reached through the network's translator: RFC 6052.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
#: What older versions of Python call global, and Azure's own services for the machine that asks: public by
#: its number, and yet reached from inside alone.
_INSIDE = tuple(
    ipaddress.ip_network(text)
    for text in ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3fff::/20")
)


class Refused(Exception):
    """Raised for a request that isn't sent: its text says why."""


class Guard:
    """Decides about the URLs of a task: each request asks `check`, each new connection `check_addresses`."""

    def __init__(self, allowed: AllowHosts) -> None:
        self.allowed = allowed

    def check(self, url: URL) -> None:
        """Look at a URL before anything is sent, also over a connection that is open already.

        Raises:
            Refused: its scheme, its host or what stands in front of that isn't allowed.
        """
        if url.scheme not in ("http", "https"):
            raise Refused(f"a URL of a payload begins with http:// or https://, not with {url.scheme[:20]!r}")
        if url.raw_user is not None or url.raw_password is not None:
            raise Refused("a URL of a payload may hold no user and no password")
        host = _bare(url.raw_host or "")
        address = _literal(host)
        if address is not None:
            self._check_address(host, address)
        elif not _HOST.fullmatch(host) or ends_in_number(host):
            raise Refused(f"{host[:260]!r} is no name of a host, and no address as it is usually written")
        elif self.allowed.is_given and not (self._has(host) or self.allowed.networks):
            raise Refused(f"{host} isn't in allow_hosts")

    def check_addresses(self, host: str, addresses: Sequence[str]) -> None:
        """Look at the addresses that a name has, before one of them is connected to.

        Raises:
            Refused: one of them isn't allowed. A name may not have such a one among good ones.
        """
        for address in addresses:
            self._check_address(_bare(host), ipaddress.ip_address(address))

    def _has(self, host: str) -> bool:
        return self.allowed.has_name(host) or self.allowed.has_ending(host)

    def _check_address(self, host: str, address: Address) -> None:
        allowed = self.allowed
        if allowed.has_name(host) or allowed.has_address(_plain(address)):
            return
        at = f"{address}" if host == str(address) else f"{host} is at {address}, which"
        if allowed.is_given and not allowed.has_ending(host):
            raise Refused(f"{at} is in no network of allow_hosts")
        if not is_public(address):
            tail = ", nor in a network of allow_hosts" if allowed.is_given else ""
            raise Refused(f"{at} is no public address{tail}")


class GuardedNames(AbstractResolver):
    """Looks names up once, and lets aiohttp connect to what the guard has seen, and to nothing else."""

    def __init__(self, guard: Guard, names: AbstractResolver) -> None:
        self._guard = guard
        self._names = names

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a host.

        Raises:
            OSError: it has none, or nobody could say.
            Refused: one of them isn't allowed.
        """
        found = await self._names.resolve(host, port, family)
        self._guard.check_addresses(host, [one["host"] for one in found])
        return found

    async def close(self) -> None:
        """Close what looks up."""
        await self._names.close()


def is_public(address: Address) -> bool:
    """Return whether an address is one of the public Internet, whichever way it is written.

    An IPv4 address inside an IPv6 one (mapped, NAT64, 6to4) counts as itself.
    """
    address = _plain(address)
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address.sixtofour is not None:
            return is_public(address.sixtofour)
        if address not in _ROUTED or address.scope_id is not None:
            return False
    is_inside = any(address in network for network in _INSIDE)
    return address.is_global and not address.is_multicast and not is_inside


def _plain(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return address if mapped is None else mapped


def _bare(host: str) -> str:
    return host.lower().rstrip(".")


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
