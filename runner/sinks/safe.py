"""JSON that forges nothing where it is shown: what can't be printed stands in it as an escape."""

_DELETE = b"\x7f"


def safe(json: bytes) -> bytes:
    r"""Return a line of JSON with `\u` escapes for what moves a cursor, ends a line or turns text (CWE-117).

    JSON itself asks for them below U+0020 only (RFC 8259, section 7); U+009B begins a terminal's
    commands too, U+2028 ends a line for many readers, U+202E shows text backwards. A reader of the
    JSON gets the same value.
    """
    if json.isascii() and _DELETE not in json:
        return json
    return unforged(json)


def unforged(data: bytes) -> bytes:
    r"""Return anything at all as a line of UTF-8 without what can't be printed: as `\u` escapes."""
    text = data.decode(errors="replace")
    if not text.isprintable():
        text = "".join([char if char.isprintable() else _escape(char) for char in text])
    return text.encode()


def _escape(char: str) -> str:
    units = char.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
