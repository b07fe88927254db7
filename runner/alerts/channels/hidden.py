"""Keep what opens a channel out of texts: the key in its URL, its password. Pure."""

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from ebats.runner.alerts.channels.channel import ChannelError

#: Shorter parts of a path are words that stand in texts anyway.
_LONG = 16


def secrets_of(url: str) -> tuple[str, ...]:
    """Return the parts of a URL that may be secret: password, path, query and its values."""
    parts = urlsplit(url)
    values = [value for _, value in parse_qsl(parts.query)]
    steps = [step for step in parts.path.split("/") if len(step) >= _LONG]
    found = [url, parts.password or "", parts.query, parts.path.rstrip("/"), *steps, *values]
    return tuple(sorted({one for one in found if one}, key=len, reverse=True))


def hidden(error: ChannelError, secrets: Sequence[str]) -> ChannelError:
    """Return the error with these starred out: the other side may repeat what it was sent."""
    text = str(error)
    for secret in secrets:
        text = text.replace(secret, "***")
    return type(error)(text, rest=error.rest, refused=error.refused, retry_after_s=error.retry_after_s)
