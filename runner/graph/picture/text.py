"""How wide texts get: guessed, since the picture is drawn where its fonts aren't."""

import unicodedata

#: In hundredths of the font's size, for the characters of ASCII from the space on: the widest of DejaVu Sans,
#: Liberation Sans (Arial's measures) and Noto Sans CJK.
_PLAIN = (
    *(32, 40, 47, 84, 64, 95, 78, 28, 39, 39, 50, 84, 32, 36, 32, 39),
    *(64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84, 84, 84, 56),
    *(102, 68, 69, 72, 77, 67, 61, 78, 75, 29, 53, 67, 56, 86, 75, 79),
    *(67, 79, 72, 67, 61, 73, 68, 99, 69, 67, 69, 39, 39, 39, 84, 56),
    *(61, 61, 63, 55, 63, 62, 35, 63, 63, 28, 28, 58, 28, 97, 63, 61),
    *(63, 63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84),
)
_BOLD = (
    *(35, 46, 57, 84, 70, 100, 87, 32, 46, 46, 52, 84, 38, 42, 38, 39),
    *(70, 70, 70, 70, 70, 70, 70, 70, 70, 70, 40, 40, 84, 84, 84, 61),
    *(101, 77, 76, 73, 83, 68, 68, 82, 84, 37, 57, 77, 64, 100, 84, 85),
    *(73, 85, 77, 72, 68, 81, 77, 110, 77, 72, 73, 46, 39, 46, 84, 57),
    *(63, 67, 72, 59, 72, 68, 44, 72, 71, 34, 34, 67, 34, 104, 71, 69),
    *(72, 72, 49, 60, 48, 71, 65, 92, 65, 65, 58, 71, 37, 71, 84),
)
_WIDE, _OTHER = 100, 90
ELLIPSIS = "…"


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the pixels that a text takes at most, in a font of `size` pixels."""
    table = _BOLD if bold else _PLAIN
    return sum(_hundredths(char, table) for char in text) * size / 100


def cut(text: str, size: float, most: float, *, bold: bool = False) -> str:
    """Return a text that is no wider than `most` pixels, cut out of its middle if it has to be.

    Many names differ in their ends only.
    """
    shown, left = text, len(text)
    while left and width(shown, size, bold=bold) > most:
        left -= 1
        end = left // 3
        shown = text[: left - end].rstrip() + ELLIPSIS + text[len(text) - end :].lstrip()
    return shown


def _hundredths(char: str, table: tuple[int, ...]) -> int:
    if " " <= char <= "~":
        return table[ord(char) - ord(" ")]
    if unicodedata.combining(char):
        return 0
    # Signs such as that of multiplication are narrow, but not in a Chinese font.
    return _WIDE if unicodedata.east_asian_width(char) in "WFA" else _OTHER
