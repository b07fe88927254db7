"""An Elasticsearch that knows who asks, and may speak TLS: users and roles are files beside its settings.

API keys can't be had: what keeps them isn't in the distribution of the tests.
"""

import base64
import hashlib
import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import trustme

#: Asks for whatever a test itself wants; his password is `secret`.
ADMIN = "admin"
PASSWORD = "secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """Who may ask, and what: every user's password is `PASSWORD`."""

    #: The name of a user to his role: one of `roles`, or of the server's own, such as `superuser`.
    users: Mapping[str, str] = field(default_factory=dict)
    #: The name of a role to what it may do: `cluster` and `indices`, as the server's API has them.
    roles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Signs the certificate of `localhost`; None: no TLS.
    authority: trustme.CA | None = None

    def settings(self) -> dict[str, object]:
        """Return what the server's settings need."""
        tls = {
            "xpack.security.http.ssl.certificate": "localhost.pem",
            "xpack.security.http.ssl.key": "localhost.key",
        }
        return {
            "xpack.security.enabled": True,
            "xpack.security.http.ssl.enabled": self.authority is not None,
            **(tls if self.authority else {}),
        }

    def files(self) -> dict[str, str]:
        """Return the files of the configuration folder, by name."""
        everybody = {ADMIN: "superuser", **self.users}
        files = {
            "users": "".join(f"{name}:{_hashed(PASSWORD)}\n" for name in everybody),
            "users_roles": "".join(f"{role}:{name}\n" for name, role in everybody.items()),
            "roles.yml": json.dumps(dict(self.roles)),
        }
        if self.authority:
            own = self.authority.issue_cert("localhost")
            files["localhost.pem"] = "".join(part.bytes().decode() for part in own.cert_chain_pems)
            files["localhost.key"] = own.private_key_pem.bytes().decode()
        return files

    def context(self) -> ssl.SSLContext | None:
        """Return what a client trusts."""
        if self.authority is None:
            return None
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context


def _hashed(password: str) -> str:
    """Hash as the server's own `pbkdf2_1000` does: with SHA-512, into 32 bytes."""
    salt = os.urandom(32)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 1000, 32)
    return "{PBKDF2}1000$" + "$".join(base64.b64encode(part).decode() for part in (salt, key))
