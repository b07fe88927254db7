"""Texts in a bounded number of bytes: cut at a character, with a note of how much is missing. Pure."""

import unicodedata

_JOINER = "\u200d"
#: Variation selectors, skin tones, and the letters behind a flag: https://www.unicode.org/reports/tr51/
_FOLLOWERS = ((0xFE00, 0xFE0F), (0x1F3FB, 0x1F3FF), (0xE0020, 0xE007F))
_REGIONAL = (0x1F1E6, 0x1F1FF)
#: One that people see as one character has rarely more parts.
_PARTS = 32


def cut(text: str, limit: int) -> str:
    """Return a text in at most so many bytes of UTF-8; one that was cut ends with a note that says so.

    No character is cut in two, and none that people see as one: an emoji of several parts, a letter with
    its accents. What UTF-8 can't hold, a lone surrogate, becomes a question mark.
    """
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return data.decode()
    room = limit - len(_note(len(data)).encode())
    if room < 0:
        return _kept(data, limit)
    kept = _kept(data, room)
    return kept + _note(len(data) - len(kept.encode()))


def _note(missing: int) -> str:
    return f"… (cut: {missing:,} bytes more)"


def _kept(data: bytes, room: int) -> str:
    # `ignore` leaves out the beginning of a character at the end: the rest is good UTF-8.
    kept = data[:room].decode("utf-8", "ignore")
    following = data[len(kept.encode()) :].decode()
    for _ in range(_PARTS):
        if not kept or not following or not _belong_together(kept, following[0]):
            break
        kept, following = kept[:-1], kept[-1]
    return kept


def _belong_together(before: str, after: str) -> bool:
    if _is_in(after, _REGIONAL):
        # Flags are pairs: the second of one belongs to the first.
        flags = len(before) - len(before.rstrip("".join(map(chr, range(_REGIONAL[0], _REGIONAL[1] + 1)))))
        return flags % 2 == 1
    return (
        _JOINER in (before[-1], after)
        or unicodedata.category(after) in ("Mn", "Me", "Mc")
        or any(_is_in(after, part) for part in _FOLLOWERS)
    )


def _is_in(char: str, part: tuple[int, int]) -> bool:
    return part[0] <= ord(char) <= part[1]
