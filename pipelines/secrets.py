"""What people are shown of a file: one line, short, and no passwords."""

import re

_KEY = r"(?<![\w-])(?:password|secret|bearer|token|authorization)['\"]?\s*:\s*"
_SECRETS = (
    # The password of a URL.
    re.compile(r"://[^\s/:@]*:(?P<secret>\S+)@"),
    # Of Standard Webhooks, wherever they stand.
    re.compile(r"(?P<secret>whsec_[A-Za-z0-9+/=_-]+)"),
    # The key on a line of its own, and inside a mapping in braces.
    re.compile(rf"^\s*['\"]?{_KEY}(?P<secret>.+)", re.IGNORECASE),
    re.compile(rf"{_KEY}(?P<secret>\[[^\]]*\]?|\"[^\"]*\"|'[^']*'|[^,}}]+)", re.IGNORECASE),
)


#: Of a value in a message.
_LONGEST = 64


def shown(text: str) -> str:
    """Return a value as it appears inside a message."""
    line = hide(one_line(text))
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "..."


def one_line(text: str) -> str:
    """Return a text without line breaks and control characters."""
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def hide(text: str) -> str:
    """Return a line with its passwords starred out, each character one star, so that columns stay.

    A variable, `${PASSWORD}`, is no secret and stays.
    """
    for secret in _SECRETS:
        text = secret.sub(_starred, text)
    return text


def _starred(found: re.Match[str]) -> str:
    secret = found["secret"]
    if secret.startswith(("$", '"$', "'$")):
        return found[0]
    start, end = found.start("secret") - found.start(), found.end("secret") - found.start()
    return found[0][:start] + "*" * len(secret) + found[0][end:]
