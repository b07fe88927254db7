"""What is wrong with what came of a case, in sentences, each with the place of the expectation."""

from collections.abc import Iterator
from dataclasses import dataclass

from ebats.pipelines.cases import Anything, PublishedMessage, Run
from ebats.pipelines.comparison import Actual, Difference, Expected, Kind, Row, shown, unlike
from ebats.pipelines.problems import Place
from ebats.runner.commands.cases_table import moment

_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that isn't as expected."""

    kind: Kind
    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def findings(difference: Difference) -> Iterator[Finding]:
    """Yield what is wrong in a list, in its order."""
    for row in difference.rows:
        if not row.is_good:
            place = row.expected.place if row.expected else difference.place
            yield Finding(kind=difference.kind, place=place, text=_sentence(difference.kind, row))


def _sentence(kind: Kind, row: Row) -> str:
    if row.actual is None:
        assert row.expected
        return f"{_name(kind, row.expected)} {_MISSING[kind]}{_at(row.expected.at_ms)}"
    if row.expected is None:
        told = _about(row.actual)
        return f"{_name(kind, row.actual)} {_EXTRA[kind]}{_at(row.actual.at_ms)}{told}: it isn't expected"
    found = [text for name in row.differs for text in _field(name, row.expected, row.actual)]
    why = _why(row.actual) if {"outcome", "reason"} & {*row.differs} else ""
    return f"{_name(kind, row.expected)}: {'; '.join(found)}{why}"


_MISSING: dict[Kind, str] = {"runs": "wasn't run", "published": "wasn't published", "dead": "didn't die"}
_EXTRA: dict[Kind, str] = {"runs": "was run", "published": "was published", "dead": "died"}


def _name(kind: Kind, one: Expected | Actual) -> str:
    name = getattr(one, "event" if kind == "published" else "task")
    if isinstance(name, Anything):
        return "something"
    if name is None:
        return "a message without a task"
    return f"a message of `{name}`" if kind == "dead" else f"`{name}`"


def _at(at_ms: int | Anything) -> str:
    return "" if isinstance(at_ms, Anything) else f" at {moment(at_ms)}"


def _about(actual: Actual) -> str:
    """Return what else tells one from others."""
    if isinstance(actual, PublishedMessage):
        return ""
    ends = f"attempt {actual.attempt}, {actual.outcome}" if isinstance(actual, Run) else actual.reason
    return f", {ends}{_why(actual)}"


def _why(actual: Actual) -> str:
    error = "" if isinstance(actual, PublishedMessage) else actual.error
    return f" ({shown(error, _LONGEST)[1:-1]})" if error else ""


def _field(name: str, expected: Expected, actual: Actual) -> Iterator[str]:
    one, other = getattr(expected, name), getattr(actual, name)
    if name == "at_ms":
        yield f"`at` is {moment(other)}, not {moment(one)}"
    elif name == "payload":
        yield from unlike(one, other)
    else:
        yield f"`{name}` is {_plain(other)}, not {_plain(one)}"


def _plain(value: object) -> str:
    return "none" if value is None else shown(str(value))[1:-1]
