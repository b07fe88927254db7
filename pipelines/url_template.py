"""URLs with templates in them: which part of one the payload decides, and how it is encoded there."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from ebats.pipelines.template import Template, Unfilled, named, parse, writable

_SCHEME = re.compile(r"https?://", re.IGNORECASE)
#: In front of a host, where the payload may say the scheme.
_FRONT = re.compile(r"(?:https?)?://", re.IGNORECASE)
#: What ends scheme, host and port, https://www.rfc-editor.org/rfc/rfc3986#section-3.2
_AUTHORITY_END = re.compile(r"[/?#]")
_EXAMPLES = "write https://api.example.com/orders/{{ order.id }} or {{ notify_url }}"


@dataclass(frozen=True, slots=True)
class UrlTemplate:
    """A parsed template of a URL."""

    template: Template
    #: So many of its fields come before the host's end: they decide where the request goes.
    leading: int

    @property
    def is_trusted(self) -> bool:
        """Return whether scheme, host and port are written out, up to their end."""
        return self.leading == 0

    def fill(self, payload: object) -> str:
        """Return the URL; fields behind the host are percent-encoded, and can't lead out of their place.

        Raises:
            Unfilled: the payload lacks a field, or it would change which path is meant.
        """
        template = self.template
        parts, in_path = [template.texts[0]], "?" not in template.texts[0]
        has_dots = False
        for number, (steps, text) in enumerate(zip(template.fields, template.texts[1:], strict=True)):
            value = writable(payload, steps)
            if number >= self.leading:
                if in_path and not value:
                    raise Unfilled(f"{named(steps)} is empty, and the path would be another one")
                has_dots |= in_path and not value.strip(".")
                value = quote(value, safe="")
            in_path &= "?" not in text
            parts += value, text
        url = "".join(parts)
        if has_dots and _has_dot_segment(url):
            raise Unfilled("a part of the path would be `.` or `..`, and the path would be another one")
        return url


def parse_url(text: str) -> UrlTemplate:
    """Return the template of a URL.

    Raises:
        ValueError: it is none; the text says what one looks like.
    """
    template = parse(text)
    if any(not part.isprintable() or re.search(r'[\s\\<>"^`|]', part) for part in template.texts):
        raise ValueError('a URL has no spaces, and none of \\ < > " ^ ` |: write them percent-encoded')
    if "#" in "".join(template.texts):
        raise ValueError("a URL's fragment, behind the `#`, is never sent: take it out")
    leading = _leading(template)
    start = template.texts[0]
    if (start or not template.fields) and not _SCHEME.match(start):
        raise ValueError(f"a URL begins with https:// or http://: {_EXAMPLES}")
    if leading == 0:
        _check_host(start)
    if _has_dot_segment("x".join(template.texts)):
        raise ValueError("a part of the path is `.` or `..`: write the path that is meant")
    return UrlTemplate(template, leading)


def _leading(template: Template) -> int:
    """Return how many fields stand before the end of the host, as far as the literal text shows it."""
    before = ""
    for number, text in enumerate(template.texts):
        before += text
        if _AUTHORITY_END.search(_FRONT.sub("", before, count=1)):
            return number
    # No end: written out in full, or the last field may go on with the host.
    return len(template.fields)


def _check_host(start: str) -> None:
    try:
        found = urlsplit(start)
        has_host = bool(found.hostname) and found.port != 0
    except ValueError:
        has_host = False
    if not has_host:
        raise ValueError(f"its host or port can't be read: {_EXAMPLES}")


def _has_dot_segment(url: str) -> bool:
    path = _AUTHORITY_END.split(_SCHEME.sub("", url, count=1), maxsplit=1)
    segments = (path[1] if len(path) > 1 else "").partition("?")[0].split("/")
    return any(segment.lower().replace("%2e", ".") in (".", "..") for segment in segments)
