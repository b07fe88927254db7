"""What shows a gateway who asks: a bearer token, or a signature of the body."""

import re
from collections.abc import Mapping
from typing import Protocol

from ebats.runner.callbacks.sign import Signer, request_id
from ebats.runner.client.request import Request

#: RFC 6750, section 2.1, has fewer; gateways take whatever stands in a header as it is.
_TOKEN = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")


class Credentials(Protocol):
    """Gives the headers of one attempt; `now` is the Unix time."""

    def headers(self, request: Request, now: float) -> Mapping[str, str]: ...


class Nobody:
    """For a gateway that asks nobody."""

    def headers(self, request: Request, now: float) -> Mapping[str, str]:  # noqa: ARG002 - one of Credentials
        """Return no headers."""
        return {}


class Bearer:
    """A bearer token (RFC 6750)."""

    def __init__(self, token: str) -> None:
        """Show this token.

        Raises:
            ValueError: it can't be one.
        """
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise ValueError("a token is a text of ASCII characters, without white space at its ends")
        self._headers = {"Authorization": f"Bearer {token}"}

    def headers(self, request: Request, now: float) -> Mapping[str, str]:  # noqa: ARG002 - one of Credentials
        """Return the header with the token."""
        return self._headers


class Signature:
    """A signature as of Standard Webhooks (https://www.standardwebhooks.com), anew for each attempt."""

    def __init__(self, secret: str) -> None:
        """Sign with this secret: `whsec_` and Base64.

        Raises:
            ValueError: it can't be one.
        """
        if not isinstance(secret, str):
            raise ValueError("a secret is a text: whsec_ and Base64")
        self._signer = Signer([secret])

    def headers(self, request: Request, now: float) -> Mapping[str, str]:
        """Return the three headers; the id is the same in each attempt: the message's, or the first one's."""
        id_ = request_id(request.ids[0], 0, len(request.ids))
        return dict(self._signer.headers(id_, now, request.body))


def of(token: str | None, secret: str | None) -> Credentials:
    """Return the credentials of a client.

    Raises:
        ValueError: there are two, or one can't be read.
    """
    if token is not None and secret is not None:
        raise ValueError("give a token or a secret, not both")
    if token is not None:
        return Bearer(token)
    return Nobody() if secret is None else Signature(secret)
