"""What people are shown of a file: one line, short, and no passwords."""

import re
from collections.abc import Iterable, Sequence

_KEY = (
    r"(?<![\w-])(?:[\w-]*[_-])?(?:password|secret|bearer|bearer_auth|token|api_key|authorization)"
    r"['\"]?\s*:(?!\s*\{)\s*"
)
#: What may stand inside braces.
_INSIDE = r"(?:[^{}]|\{\{.*?\}\}|\$\{[^{}]*\})*"
_SECRETS = (
    # The password of a URL.
    re.compile(r"://[^\s/:@]*:(?P<secret>\S+)@"),
    # Of Standard Webhooks, wherever they stand.
    re.compile(r"(?P<secret>whsec_[A-Za-z0-9+/=_-]+)"),
    # The key of a robot's URL, and the end of that of a hook of Slack's.
    re.compile(r"[?&](?:key|access_token|token|sign)=(?P<secret>[^\s&\"']+)", re.IGNORECASE),
    re.compile(r"://hooks\.slack\.com/(?P<secret>[^\s\"',}]+)", re.IGNORECASE),
    # Of any hook nobody knows which part is the key.
    re.compile(
        rf"(?:webhook|wecom)['\"]?\s*:\s*\{{{_INSIDE}url['\"]?\s*:\s*['\"]?https?://[^/\s]+/(?P<secret>[^\s\"',}}]+)"
    ),
    # The key on a line of its own, and inside a mapping in braces.
    re.compile(rf"^\s*['\"]?{_KEY}(?P<secret>.+)", re.IGNORECASE),
    re.compile(rf"{_KEY}(?P<secret>\[[^\]]*\]?|\"[^\"]*\"|'[^']*'|[^,}}]+)", re.IGNORECASE),
)

#: Any header may be a credential.
_HEADERS = re.compile(rf"(?<![\w-])headers['\"]?\s*:\s*\{{{_INSIDE}")
_VALUE = re.compile(r":\s+(?P<secret>\"[^\"]*\"|'[^']*'|(?!(?:true|false|null|\d{1,4})\b)[^\s,{}][^,{}]*)")
#: The key above, and what is secret in a line below it.
_BELOW = (
    (re.compile(r"headers['\"]?\s*:\s*(?:#.*)?$"), _VALUE),
    (
        re.compile(r"(?:webhook|wecom)['\"]?\s*:\s*(?:#.*)?$"),
        re.compile(r"(?<![\w-])url['\"]?\s*:\s*['\"]?https?://[^/\s]+/(?P<secret>[^\s\"',}]+)"),
    ),
)

#: Of a list in lines.
_ITEM = re.compile(r"\s*-\s+(?P<secret>.*\S)")
_MAPPING = re.compile(r"\{|['\"]?[\w-]+['\"]?\s*:(\s|$)")
_IS_SECRET = re.compile(rf"{_KEY}$", re.IGNORECASE)

#: Of a value in a message.
_LONGEST = 64
#: Of a file's content: a message that has so much of its beginning has cut it.
_SHORTEST_PART = 8

#: What stands in a message for the content of a file.
HIDDEN = "***"


def shown(text: str) -> str:
    """Return a value as it appears inside a message."""
    line = hide(one_line(text))
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "..."


def one_line(text: str) -> str:
    """Return a text without line breaks and control characters."""
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def conceal(text: str, contents: Iterable[str]) -> str:
    """Return a message in which each of `contents` is starred out, also where a message has cut it short.

    They are what `${file:PATH}` brought in. Python's own messages escape what they hold.
    """
    lines = {one_line(each) for each in contents}
    for content in sorted(lines | {repr(each)[1:-1] for each in lines}, key=len, reverse=True):
        text = text.replace(content, HIDDEN) if content else text
        shortest = _SHORTEST_PART + content[:_SHORTEST_PART].find("://") + 1
        position = 0
        while len(content) > shortest and (start := text.find(content[:shortest], position)) >= 0:
            end = start + shortest
            while text[start : end + 1] == content[: end + 1 - start] and end < len(text):
                end += 1
            text = text[:start] + HIDDEN + text[end:]
            position = start + len(HIDDEN)
    return text


def hide_line(lines: Sequence[str], number: int) -> str:
    """Return a line of a file, by its number from 0, with its passwords starred out; see `hide`.

    Of a list of secrets each may stand on a line of its own: the key above tells what they are.
    """
    line = lines[number]
    item = _ITEM.match(line)
    # A mapping's own keys tell what is secret.
    if item and not _MAPPING.match(item["secret"]) and _IS_SECRET.search(_key_above(lines, number)):
        return _starred(item)
    above = _parent(lines, number)
    for key, secret in _BELOW:
        line = secret.sub(_starred, line) if key.search(above) else line
    return hide(line)


def _parent(lines: Sequence[str], number: int) -> str:
    """Return the line of the key whose mapping a line stands in."""
    for line in reversed(lines[:number]):
        if line.strip() and not line.lstrip().startswith("#") and _indent(line) < _indent(lines[number]):
            return line.rstrip()
    return ""


def _key_above(lines: Sequence[str], number: int) -> str:
    """Return the line of the key whose list an item stands in."""
    for line in reversed(lines[:number]):
        if (
            line.strip()
            and not line.lstrip().startswith(("#", "-"))
            and _indent(line) <= _indent(lines[number])
        ):
            return line.rstrip()
    return ""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def hide(text: str) -> str:
    """Return a line with its passwords starred out, each character one star, so that columns stay.

    A variable, `${PASSWORD}`, is no secret and stays, and so does a template.
    """
    for secret in _SECRETS:
        text = secret.sub(_starred, text)
    return _HEADERS.sub(lambda found: _VALUE.sub(_starred, found[0]), text)


def _starred(found: re.Match[str]) -> str:
    secret = found["secret"]
    if secret.lstrip("\"'").startswith(("$", "{{")):
        return found[0]
    start, end = found.start("secret") - found.start(), found.end("secret") - found.start()
    return found[0][:start] + "*" * len(secret) + found[0][end:]
