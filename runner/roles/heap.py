"""Keeps a process small: what glibc holds back of its memory, and how much of it."""

import ctypes
import os
import sys
from contextlib import suppress

#: mallopt(3).
_M_ARENA_MAX = -8
_HEAPS = 2


def share_heaps() -> None:
    """Let the threads of this process share two heaps, where glibc would make one for each of them.

    Threads of Python take turns anyhow, and each heap keeps what was once in use. Whoever has set
    MALLOC_ARENA_MAX has decided otherwise.
    """
    if sys.platform == "linux" and "MALLOC_ARENA_MAX" not in os.environ:
        with suppress(AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _HEAPS)


def give_back() -> None:
    """Give the kernel back what importing has left over, half a megabyte (malloc_trim(3))."""
    if sys.platform == "linux":
        with suppress(AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)
