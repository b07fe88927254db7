"""Whether a host is this machine, and no other."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Return whether a name, or an address with or without brackets, leads to this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
