"""How long to wait before Elasticsearch is tried again."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_FIRST_S = 0.5
_LONGEST_S = 30.0
#: A server that asks for more is tried sooner.
_LONGEST_ASKED_S = 300.0


class Waits:
    """Grows with each failure in a row, up to 30 s, with jitter; the first tries go to the other hosts."""

    def __init__(self, hosts: int) -> None:
        """Begin anew, with so many hosts."""
        self._hosts = hosts
        self._failures = 0

    def reset(self) -> None:
        """Note that something got through."""
        self._failures = 0

    def next_s(self, asked: str | None = None, *, other_host: bool = False) -> float:
        """Return how long to wait after a failure; `asked` is the answer's Retry-After (RFC 9110, 10.2.3).

        With `other_host`, the client turns to the next of several hosts: the first time at once.
        """
        self._failures += 1
        failures = self._failures
        if other_host:
            failures -= self._hosts - 1
            if failures <= 0:
                return 0.0
        wait_s = min(_FIRST_S * 2.0 ** min(failures - 1, 10), _LONGEST_S) * random.uniform(0.5, 1.0)
        return max(wait_s, min(_asked_s(asked), _LONGEST_ASKED_S))


def _asked_s(text: str | None) -> float:
    text = (text or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        due = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return (due.replace(tzinfo=due.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
