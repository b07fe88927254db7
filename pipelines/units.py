"""What somebody meant who wrote a duration, a size or a percentage in a way that a file doesn't have."""

import re
from collections.abc import Callable, Mapping
from typing import Literal

from ebats.pipelines.ladder import format_duration, parse_duration

Kind = Literal["duration", "size", "percentage"]

#: As people and other tools write them, in lower case.
_DURATIONS = {
    **dict.fromkeys(("ms", "msec", "msecs", "milli", "millis", "millisecond", "milliseconds"), 1),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1_000),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60_000),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3_600_000),
    **dict.fromkeys(("d", "day", "days"), 86_400_000),
    **dict.fromkeys(("w", "week", "weeks"), 7 * 86_400_000),
}
_SIZES = {
    **dict.fromkeys(("k", "kb"), "KB"),
    **dict.fromkeys(("m", "mb"), "MB"),
    **dict.fromkeys(("g", "gb"), "GB"),
    "ki": "KiB",
    "kib": "KiB",
    "mi": "MiB",
    "mib": "MiB",
    "gi": "GiB",
    "gib": "GiB",
}
#: For fractions, and what is a thousand of them.
_SMALLER = {"GB": "MB", "MB": "KB"}
_PARTS = re.compile(r"(?:\s*[0-9]+(?:\.[0-9]+)?\s*[a-z]+)+\s*")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)")
_NUMBER = re.compile(r"[0-9]+")
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(%+|percent|pct)?")
#: Nobody means more, and Python would count long.
_LONGEST = 30


def meant(wanted: str, written: object) -> str:
    """Return what to write instead of a value, by the words that say what it must be; see `meant_as`."""
    kinds: list[Kind] = [kind for kind in _NEAR if f"a {kind}" in wanted]
    # A number without a unit may be either.
    if len(kinds) > 1 and _NUMBER.fullmatch(str(written).strip()):
        return ""
    return next((hint for kind in kinds if (hint := meant_as(kind, written))), "")


def meant_as(kind: Kind, written: object) -> str:
    """Return what to write instead of a value that is no duration, size or percentage: a sentence.

    It is an empty text where that can't be told.
    """
    if isinstance(written, bool) or not isinstance(written, str | int | float):
        return ""
    text = str(written).strip().lower()
    if len(text) > _LONGEST:
        return ""
    if kind == "duration" and _NUMBER.fullmatch(text):
        return f"add its unit: {text}s, {text}m, {text}h or {text}d"
    near = _NEAR[kind](text)
    return f"did you mean `{near}`?" if near else ""


def _duration(text: str) -> str:
    if not _PARTS.fullmatch(text):
        return ""
    parts = _PART.findall(text)
    if any(unit not in _DURATIONS for _, unit in parts):
        return ""
    ms = sum(float(number) * _DURATIONS[unit] for number, unit in parts)
    near = re.sub(r"\s", "", "".join(f"{number}{_letter(unit)}" for number, unit in parts))
    try:
        return near if parse_duration(near) == ms else ""
    except ValueError:  # a fraction, or weeks
        return format_duration(round(ms)) if ms >= 1 else ""


def _letter(unit: str) -> str:
    return next(name for name in ("ms", "s", "m", "h", "d", "w") if _DURATIONS[name] == _DURATIONS[unit])


def _size(text: str) -> str:
    found = _PART.fullmatch(text)
    unit = _SIZES.get(found[2]) if found else None
    if not found or not unit:
        return ""
    number = float(found[1])
    if number % 1 and unit in _SMALLER:
        unit, number = _SMALLER[unit], number * 1000
    return "" if number % 1 or number < 1 else f"{number:.0f}{unit}"


def _percentage(text: str) -> str:
    found = _PERCENT.fullmatch(text)
    # Of a number below one nobody knows whether it is a share.
    return f"{found[1]}%" if found and (found[2] or "." not in text) else ""


#: Sizes first: `5m` of a size is one of megabytes.
_NEAR: Mapping[Kind, Callable[[str], str]] = {
    "size": _size,
    "duration": _duration,
    "percentage": _percentage,
}
