"""The signature of a request, after Standard Webhooks. Pure.

The scheme: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import quote

from ebats.pipelines.webhook_secret import key_of


class Signer:
    """Signs requests with each of a task's secrets: during a rotation the receiver knows one of them."""

    def __init__(self, secrets: Sequence[str]) -> None:
        """Take secrets as they are written, `whsec_...`, the newest first.

        Raises:
            ValueError: one of them is none.
        """
        self._keys = tuple(key_of(secret) for secret in secrets)

    def headers(self, request_id: str, now: float, body: bytes) -> tuple[tuple[str, str], ...]:
        """Return the three headers of a request.

        `request_id` is from `request_id()`: the receiver knows a repetition by it. `now` is the Unix time in
        seconds, of this attempt: receivers refuse what was signed five minutes ago. `body` is what is sent,
        byte for byte; the scheme's own Python library signs texts alone, and a body may be anything.
        """
        timestamp = str(int(now))
        signed = f"{request_id}.{timestamp}.".encode() + body
        signatures = [_signature(key, signed) for key in self._keys]
        return (
            ("webhook-id", request_id),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", " ".join(signatures)),
        )


def request_id(message_id: str, number: int, requests: int) -> str:
    """Return the id of request `number` (from 1) of a message that has so many: the same in every attempt.

    An ebats id may hold anything; the scheme's hold no dot, and a header no other than visible ASCII. So what
    isn't a letter, a digit, `-`, `_` or `~` is percent-encoded, the dot too: a UUID stays as it is. Where a
    message has several requests, `:` and the number follow: one receiver may get two of them.
    """
    encoded = quote(message_id, safe="", errors="replace").replace(".", "%2E")
    return f"{encoded}:{number}" if requests > 1 else encoded


def _signature(key: bytes, signed: bytes) -> str:
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
