"""The hosts that a payload may name: names, wildcards and networks, as `allow_hosts` lists them."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_EXAMPLES = "write api.example.com, *.example.com, 203.0.113.7 or 10.0.0.0/8"


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowHosts:
    """A parsed `allow_hosts`; of one that isn't written, all is empty."""

    #: In full, lower case: as trusted as a host written in a `url`.
    names: frozenset[str] = frozenset()
    #: `.example.com` of `*.example.com`: any name that ends so.
    endings: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()

    @property
    def is_given(self) -> bool:
        """Return whether there is a list at all: without one any public address will do."""
        return bool(self.names or self.endings or self.networks)

    def has_name(self, host: str) -> bool:
        """Return whether a host (lower case, no dot at its end) stands in the list in full."""
        return host in self.names

    def has_ending(self, host: str) -> bool:
        """Return whether one of the wildcards covers a host."""
        return any(host.endswith(ending) for ending in self.endings)

    def has_address(self, address: Address) -> bool:
        """Return whether an address is in one of the networks."""
        return any(address in network for network in self.networks)


def parse(entries: Iterable[str]) -> AllowHosts:
    """Return what a list allows.

    Raises:
        ValueError: an entry is neither a name, nor a wildcard, nor an address, nor a network.
    """
    names, endings, networks = set(), [], []
    for entry in entries:
        if network := _network(entry):
            networks.append(network)
        elif entry.startswith("*."):
            endings.append("." + _name(entry, entry[2:]))
        else:
            names.add(_name(entry, entry))
    return AllowHosts(names=frozenset(names), endings=tuple(endings), networks=tuple(networks))


def ends_in_number(host: str) -> bool:
    """Return whether a host is an IPv4 address in some spelling, `127.1` and `0x7f000001` among them.

    The rule of https://url.spec.whatwg.org/#ends-in-a-number-checker: no name ends in a number.
    """
    last = host.removesuffix(".").rpartition(".")[2]
    return last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last, re.IGNORECASE) is not None


def _network(entry: str) -> Network | None:
    try:
        return ipaddress.ip_network(entry)
    except ValueError as error:
        if "/" in entry or ":" in entry or ends_in_number(entry):
            raise ValueError(f"{entry!r} is no address and no network ({error}): {_EXAMPLES}") from None
        return None


def _name(entry: str, name: str) -> str:
    lower = name.lower().removesuffix(".")
    if not _NAME.fullmatch(lower) or len(lower) > 253:
        why = "" if name.isascii() else ", other scripts in their xn-- form"
        raise ValueError(f"{entry!r} is no name of a host: {_EXAMPLES}{why}")
    return lower
