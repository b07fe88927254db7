"""Who sends a request: the holder of a bearer token, or whoever signs with a secret. Pure."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ebats.pipelines.producer import Allow, HttpProducer, Token
from ebats.pipelines.webhook_secret import key_of
from ebats.runner.gateway.refusal import Refusal

#: A signature is taken for so long before and after its time (Standard Webhooks: five minutes).
TOLERANCE_S = 300
#: More of them in one header nobody has.
_MOST_SIGNATURES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whoever sends a request."""

    #: Of the token, `signed`, or `anybody`.
    name: str
    #: What he may publish to; None: everything.
    allow: Allow | None = None
    #: Requests a second; None: any number.
    rate: float | None = None
    #: The webhook-id of what is signed: the same when the request is sent again, so good for message ids.
    key: str | None = None


class Unauthorized(Refusal):
    """Raised for a request of somebody unknown. What was wrong isn't said: it would help to guess."""

    def __init__(self, challenge: str) -> None:
        """Take the value of the header WWW-Authenticate (RFC 9110, section 11.6.1)."""
        text = "the gateway doesn't know you: send a valid bearer token, or sign the request"
        super().__init__(401, "unauthorized", text, {"WWW-Authenticate": challenge})


class Auth:
    """Knows the tokens and secrets of a gateway."""

    def __init__(self, producer: HttpProducer) -> None:
        """Take them from the file.

        Raises:
            ValueError: a secret is none.
        """
        self._tokens = [(_digest(token.token.encode()), _caller(token)) for token in producer.tokens]
        self._keys = [key_of(secret) for secret in producer.secrets]
        self._anybody = Caller(name="anybody", rate=producer.rate)
        self._rate = producer.rate
        schemes = ["Bearer"] * bool(self._tokens) + ["Webhook-Signature"] * bool(self._keys)
        self._challenge = ", ".join(f'{scheme} realm="ebats"' for scheme in schemes)

    @property
    def is_signed(self) -> bool:
        """Whether bodies have to be signed."""
        return bool(self._keys)

    def admit(self, headers: Mapping[str, str], now: float) -> Caller:
        """Return who sends a request, by its headers: before its body is read.

        Where requests are signed this only tells that the signature isn't there, or too old; `verify` has
        to follow when the body is there. `now` is the Unix time in seconds.

        Raises:
            Unauthorized: nobody who may.
        """
        if self._keys:
            key, _, _ = self._signature(headers, now)
            return Caller(name="signed", rate=self._rate, key=key)
        if not self._tokens:
            return self._anybody
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        given = _digest(token.strip().encode(errors="surrogateescape"))
        # All are compared: how long it takes tells nothing.
        found = [caller for known, caller in self._tokens if hmac.compare_digest(known, given)]
        if scheme.lower() != "bearer" or not found:
            raise Unauthorized(self._challenge)
        return found[0]

    def verify(self, headers: Mapping[str, str], body: bytes, now: float) -> None:
        """Check that a body is signed, where it has to be.

        The scheme: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
        Its Python library signs texts alone; here it is whatever came.

        Raises:
            Unauthorized: it isn't, by none of the secrets.
        """
        if not self._keys:
            return
        key, timestamp, given = self._signature(headers, now)
        signed = f"{key}.{timestamp}.".encode() + body
        wanted = [hmac.new(secret, signed, hashlib.sha256).digest() for secret in self._keys]
        if not any(hmac.compare_digest(one, other) for one in wanted for other in given):
            raise Unauthorized(self._challenge)

    def _signature(self, headers: Mapping[str, str], now: float) -> tuple[str, int, Sequence[bytes]]:
        """Return id, time and signatures of the headers."""
        key, time = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        given = [
            signature
            for text in headers.get("webhook-signature", "").split()[:_MOST_SIGNATURES]
            if (signature := _decoded(text))
        ]
        is_whole = time.isascii() and time.isdigit() and len(time) < 12
        if not (key and key.isascii() and given and is_whole) or abs(int(time) - now) > TOLERANCE_S:
            raise Unauthorized(self._challenge)
        return key, int(time), given


def _caller(token: Token) -> Caller:
    return Caller(name=token.name, allow=token.allow, rate=token.rate)


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


def _decoded(text: str) -> bytes | None:
    """Return the bytes of a signature of the one version that there is: `v1,` and base64."""
    version, _, encoded = text.partition(",")
    try:
        return base64.b64decode(encoded, validate=True) if version == "v1" else None
    except (binascii.Error, ValueError):
        return None
