"""Sizes as they are written."""

import re

_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SIZE = re.compile(r"([0-9]+)([KMG]i?B)")


def parse_size(text: str) -> int:
    """Return the bytes of `500KB`, `20MB`, `10MiB` or `1GB`.

    Raises:
        ValueError: the text is no size; its text says what one looks like.
    """
    size = _SIZE.fullmatch(text)
    if not size:
        raise ValueError(f"{text!r} is no size: write a number with a unit, such as 500KB, 20MB, 10MiB, 1GB")
    return int(size[1]) * _UNITS[size[2]]


def format_size(size: int) -> str:
    """Return a number of bytes as a file would write it: `20MB`, `500KB`."""
    unit = "MB" if size % 10**6 == 0 else "KB"
    return f"{size // _UNITS[unit]}{unit}"
