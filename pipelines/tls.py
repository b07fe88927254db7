"""How an encrypted link is checked: certificates and keys, as paths."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How an encrypted link is checked. The host name is always verified."""

    #: Absolute paths; without `ca_certs`, the system's.
    ca_certs: str | None = None
    certfile: str | None = None
    keyfile: str | None = None
