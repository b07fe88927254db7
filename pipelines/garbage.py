"""Work that makes much and throws nothing away, without Python's collector of garbage looking through it."""

import gc
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")


def uncollected(work: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return a function that does what `work` does, with the collector paused meanwhile.

    Where a hundred thousand objects come and stay, the collector goes through
    them again and again, and finds nothing: a quarter of the time of reading a large file.
    """

    @wraps(work)
    def without(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        if not gc.isenabled():
            return work(*args, **kwargs)
        gc.disable()
        try:
            return work(*args, **kwargs)
        finally:
            gc.enable()

    return without
