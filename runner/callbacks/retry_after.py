"""The header Retry-After: how long the other side asks to be left alone. Pure."""

from datetime import UTC
from email.utils import parsedate_to_datetime


def wait_s(header: str | None, now: float, most_s: float) -> float:
    """Return the seconds that a header asks for, `most_s` at most; 0 where it says nothing.

    A number of seconds or a date, https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3. `now` is the
    Unix time in seconds.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdecimal():
        # A number of a thousand digits is a long time too.
        return min(float(text[:18]), most_s)
    try:
        moment = parsedate_to_datetime(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return min(max(0.0, moment.timestamp() - now), most_s)
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0.0
