"""One message out of the notices that wait: all of them are in it, be it as a count. Pure."""

from collections import Counter
from collections.abc import Callable, Sequence

from ebats.pipelines.alerts import Severity
from ebats.pipelines.counting import counted
from ebats.runner.alerts.channels.cut import cut
from ebats.runner.alerts.notice import Notice

_RANKS: dict[Severity, int] = {"critical": 0, "warning": 1, "info": 2}
#: Kept for the lines that count what has no line of its own.
_SUMMARY = 400
#: How many kinds of notices a summary names.
_KINDS = 5


def worst(notices: Sequence[Notice]) -> Severity:
    """Return the gravest severity."""
    return min((notice.severity for notice in notices), key=_RANKS.__getitem__)


def heading(notices: Sequence[Notice]) -> str:
    """Return one line about all: the title of a single one, or how many there are of which state."""
    if len(notices) == 1:
        return notices[0].title
    first = notices[0]
    place = f"{first.pipeline} ({first.environment})" if first.environment else first.pipeline
    states = Counter(notice.state for notice in notices)
    told = ", ".join(f"{number} {state}" for state, number in states.most_common())
    return f"[{worst(notices)}] {place}: {counted(len(notices), 'alert')}: {told}"


def short(notices: Sequence[Notice], limit: int, *, tail: str = "", safe: Callable[[str], str] = str) -> str:
    """Return a message in at most `limit` bytes of UTF-8, the gravest notices first.

    With the lines of each where there is room for that, else with each one's title, else with as many titles
    as fit and the number of all others. `tail` is a line that ends it in any case. `safe` makes a text
    harmless where it is shown.
    """
    end = f"\n{tail}" if tail else ""
    room = limit - len(end.encode())
    ordered = sorted(notices, key=lambda notice: _RANKS[notice.severity])
    head = [safe(heading(notices))] if len(notices) > 1 else []
    for parts in (
        [safe(f"{notice.title}\n{notice.text}") for notice in ordered],
        [safe(notice.title) for notice in ordered],
    ):
        text = ("\n\n" if len(parts) > 1 and "\n" in parts[0] else "\n").join([*head, *parts])
        if len(notices) == 1 or len(text.encode("utf-8", "replace")) <= room:
            return cut(text, room) + end
    return cut("\n".join([*head, *_some(ordered, room - len(head[0].encode()), safe)]), room) + end


def full(notices: Sequence[Notice]) -> str:
    """Return a message with everything about all, the gravest first: for mail."""
    ordered = sorted(notices, key=lambda notice: _RANKS[notice.severity])
    if len(ordered) == 1:
        return f"{ordered[0].title}\n\n{ordered[0].long}\n"
    overview = [heading(notices), "", *(f"- {notice.title}" for notice in ordered)]
    parts = [f"{notice.title}\n\n{notice.long}\n" for notice in ordered]
    return "\n".join([*overview, "", *(f"{'-' * 72}\n{part}" for part in parts)])


def _some(ordered: Sequence[Notice], room: int, safe: Callable[[str], str]) -> list[str]:
    lines: list[str] = []
    room -= _SUMMARY
    for notice in ordered:
        line = safe(notice.title)
        room -= len(line.encode("utf-8", "replace")) + 1
        if room < 0:
            break
        lines.append(line)
    rest = ordered[len(lines) :]
    kinds = Counter(f"{notice.rule or notice.state} {notice.state}" for notice in rest)
    named = [f"{number} {kind}" for kind, number in kinds.most_common(_KINDS)]
    others = len(rest) - sum(number for _, number in kinds.most_common(_KINDS))
    named += [f"{others} others"] if others else []
    return [*lines, cut(safe(f"and {len(rest)} more: {', '.join(named)}"), _SUMMARY - 1)]
