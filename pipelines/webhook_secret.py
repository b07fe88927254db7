"""Secrets of Standard Webhooks, as they are written: `whsec_` and base64."""

import base64
import binascii

_PREFIX = "whsec_"
#: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
SHORTEST, LONGEST = 24, 64
#: What to do about one that is none.
MAKE_ONE = "make one by `echo whsec_$(openssl rand -base64 32)`"


def key_of(secret: str) -> bytes:
    """Return the key that a secret stands for: 24 to 64 bytes. The prefix may be left out, and padding too.

    Raises:
        ValueError: it is none; the text says what one looks like, and never repeats the secret.
    """
    encoded = secret.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"no secret of Standard Webhooks, which is {_PREFIX} and base64") from None
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(
            f"a secret of {len(key)} bytes: Standard Webhooks wants {SHORTEST} to {LONGEST} (before base64)"
        )
    return key
