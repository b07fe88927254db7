"""Times in buckets that grow with them: a bounded number of counts, whatever there is to count. Pure."""

import math
from collections.abc import Mapping

#: Buckets for each doubling: a bucket's ends are 9% apart.
_A_DOUBLING = 8
#: A microsecond, and eleven days.
_FIRST, _LAST = -20 * _A_DOUBLING, 20 * _A_DOUBLING


def bucket(seconds: float) -> int:
    """Return the bucket that a time belongs to."""
    if seconds <= 1e-6:
        return _FIRST
    return min(_LAST, max(_FIRST, math.ceil(math.log2(seconds) * _A_DOUBLING)))


def quantile(times: Mapping[int, int], share: float) -> float | None:
    """Return a time, in seconds, that this share of the counted ones doesn't exceed; None: none was counted.

    It is the upper end of its bucket, so at most 9% too long.
    """
    rank = math.ceil(sum(times.values()) * share)
    for number in sorted(times):
        rank -= times[number]
        if rank <= 0 and times[number]:
            return float(2 ** (number / _A_DOUBLING))
    return None
