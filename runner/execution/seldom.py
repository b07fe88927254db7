"""Says the same thing at most once in a while: a fault that concerns every message floods no log."""

import threading
import time

_EVERY_S = 60.0
#: Texts may be without number: so many different ones are said in that time.
_MOST = 100


class Seldom:
    """Remembers what was said when."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[str, float] = {}

    def may_say(self, text: str) -> bool:
        """Return whether a text is to be said now; what is asked is taken as said."""
        now = time.monotonic()
        with self._lock:
            if now - self._said.get(text, -_EVERY_S) < _EVERY_S:
                return False
            self._said.pop(text, None)
            if len(self._said) >= _MOST:
                oldest = next(iter(self._said))
                if now - self._said[oldest] < _EVERY_S:
                    return False
                del self._said[oldest]
            self._said[text] = now
        return True
