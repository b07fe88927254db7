"""Dead letters for people: a table, and everything of one."""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from ebats.runner.execution.letter import Letter
from ebats.runner.sinks.people import escaped

_HEAD = ("DIED", "TASK", "EVENT", "REASON", "ATTEMPTS", "ID", "QUEUE", "ERROR")
_GAP = "  "
#: A column is as wide as what stands in it, up to here, but for ids: they are copied.
_WIDEST = 30
_ID = _HEAD.index("ID")


def table(letters: Sequence[Letter], width: int | None) -> str:
    """Return letters as lines, the one that died last at the end; cut to `width` columns, if one is given."""
    rows = [_HEAD, *(_row(letter) for letter in in_order(letters))]
    widths = [max(_columns(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "".join(_line(row, widths, width) for row in rows)


def in_order(letters: Iterable[Letter]) -> list[Letter]:
    """Return letters by when they died; those that don't tell come first."""
    return sorted(letters, key=lambda letter: letter.died or 0.0)


def full(letter: Letter) -> str:
    """Return everything of a letter, its payload laid out where it is JSON."""
    delivery = letter.delivery
    lines = [
        f"id         {escaped(letter.id or '-')}",
        f"died       {clock(letter.died)}, {escaped(letter.reason or 'for no known reason')}",
        f"task       {escaped(letter.task or '-')}",
        f"event      {escaped(letter.event or '-')}",
        f"queue      {escaped(letter.queue or '-')}",
        f"published  {escaped(letter.exchange or 'default exchange')}, key {escaped(letter.key)}",
        f"attempts   {letter.attempt or '-'}, the first ended {clock(letter.first)}",
    ]
    if letter.crashes:
        lines.append(f"crashes    {letter.crashes}")
    lines.append(f"error      {_error(letter) or '-'}")
    headers = {key: value for key, value in delivery.headers.items() if key != "ebats-traceback"}
    lines += _section("traceback", (letter.traceback or "").splitlines())
    lines += _section("properties", _pairs(properties(letter)))
    lines += _section("headers", _pairs(headers))
    lines += _section(f"payload, {len(delivery.body):,} bytes", _payload(delivery.body).splitlines())
    return "\n".join(lines) + "\n"


def properties(letter: Letter) -> dict[str, object]:
    """Return a letter's properties without its headers, which AMQP has among them."""
    given = letter.delivery.properties
    return {name: value for name, value in given.items() if name != "application_headers"}


def clock(moment: float | None) -> str:
    """Return a Unix time in seconds as people and programs read it, in UTC."""
    if moment is None:
        return "-"
    try:
        return f"{datetime.fromtimestamp(moment, UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"
    except (ValueError, OverflowError, OSError):  # no calendar has it
        return "-"


def _row(letter: Letter) -> tuple[str, ...]:
    found = (letter.task, letter.event, letter.reason, letter.attempt, letter.id, letter.queue)
    cells = ["-" if value is None else escaped(str(value)) for value in found]
    return (clock(letter.died), *cells, _error(letter))


def _error(letter: Letter) -> str:
    parts = (escaped(" ".join(part.split())) for part in (letter.error, letter.text) if part)
    return ": ".join(parts)


def _line(row: tuple[str, ...], widths: list[int], width: int | None) -> str:
    cells = []
    for column, cell in enumerate(row[:-1]):
        widest = widths[column] if column == _ID else min(widths[column], _WIDEST)
        shown = cut(cell, widest)
        cells.append(shown + " " * (widest - _columns(shown)))
    text = _GAP.join([*cells, row[-1]]).rstrip()
    return (cut(text, width) if width else text) + "\n"


def cut(text: str, width: int) -> str:
    """Return at most so many columns of a text, with `…` where more was there."""
    if _columns(text) <= width:
        return text
    kept = ""
    room = width - 1
    for char in text:
        room -= _columns(char)
        if room < 0:
            break
        kept += char
    return kept + "…"


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: Chinese characters take two."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", f"{title}:", *(f"  {escaped(line)}" for line in lines)] if lines else []


def _pairs(values: dict[str, object]) -> list[str]:
    return [f"{key}: {value}" for key, value in values.items()]


def _payload(body: bytes) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body.decode(errors="backslashreplace")
