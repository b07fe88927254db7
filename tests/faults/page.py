"""docs/reliability.md: what the tests of all faults found, in a table that nobody writes by hand."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from tests.faults.rows.finding import Finding
from tests.faults.rows.table import ROWS, Row

DOCS = Path(__file__).parents[2] / "docs"
TEMPLATE = Path(__file__).with_name("reliability.template.md")
PAGE, FINDINGS = DOCS / "reliability.md", DOCS / "reliability.json"

_NAMES = {"sqlite": "SQLite", "rabbitmq310": "RabbitMQ 3.10", "rabbitmq40": "RabbitMQ 4.0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of all tests."""

    #: The day it began, `2026-11-23`.
    date: str
    #: By name: the operating system, Python, SQLite, RabbitMQ, Elasticsearch, ebats.
    versions: dict[str, str]
    minutes: float
    findings: list[Finding] = field(default_factory=list)

    def of(self, row: Row, broker: str, *, is_control: bool = False) -> list[Finding]:
        """Return what was found of a row on a broker."""
        return [
            found
            for found in self.findings
            if (found.row, found.broker, found.is_control) == (row.number, broker, is_control)
        ]


def read(path: Path = FINDINGS) -> Run:
    """Read a run that was written."""
    raw = json.loads(path.read_text("utf-8"))
    return Run(**{**raw, "findings": [Finding(**found) for found in raw["findings"]]})


def write(run: Run, path: Path = FINDINGS, page: Path = PAGE) -> None:
    """Write a run, and the page that shows it."""
    path.write_text(json.dumps(asdict(run), indent=1, ensure_ascii=False) + "\n", "utf-8")
    page.write_text(shown(run), "utf-8")


def shown(run: Run) -> str:
    """Return the page."""
    return TEMPLATE.read_text("utf-8").format(
        date=run.date,
        versions=", ".join(f"{name} {version}" for name, version in run.versions.items()),
        minutes=f"{run.minutes:.0f}",
        table="\n".join(_table(run)),
        words="\n".join(line for row in ROWS for line in _words(run, row)),
        controls="\n".join(_controls(run)),
        **_sums(run),
    )


def table(run: Run) -> list[list[str]]:
    """Return the table: its head, and a line for each row on each broker that it concerns."""
    lines = [["", "fault", "broker", "times", "confirmed", "lost", "done twice", "at most", "verdict"]]
    for row in ROWS:
        for broker in row.brokers:
            lines.append([str(row.number), row.fault, _NAMES[broker], *_cells(run.of(row, broker))])
    return lines


def printed(run: Run) -> str:
    """Return what was found as lines for a terminal: rows that weren't run are left out."""
    head, *lines = table(run)
    lines = [[line[0], line[1][:48], *line[2:]] for line in lines if line[-1] != "not run"]
    widths = [max(len(line[column]) for line in [head, *lines]) for column in range(len(head))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n"
        for line in [head, *lines]
    )


def merged(old: Run, new: Run, rows: Sequence[int]) -> Run:
    """Return a run with these rows as a later one of the same versions found them."""
    findings = [found for found in old.findings if found.row not in rows] + new.findings
    findings.sort(key=lambda found: (found.row, found.broker, found.test))
    return replace(new, minutes=old.minutes + new.minutes, findings=findings)


def _table(run: Run) -> list[str]:
    head, *lines = table(run)
    cells = [f"| {' | '.join(line)} |" for line in lines]
    return [f"| {' | '.join(head)} |", "|--:|---|---|--:|--:|--:|--:|--:|---|", *cells]


def _cells(found: Sequence[Finding]) -> list[str]:
    if not found:
        return ["", "", "", "", "", "not run"]
    sums = [
        sum(getattr(one, name) for one in found)
        for name in ("faults", "confirmed", "lost", "duplicates", "may_be")
    ]
    return [*(f"{number:,}" for number in sums), "held" if all(one.passed for one in found) else "**failed**"]


def _sums(run: Run) -> dict[str, str]:
    found = [one for one in run.findings if not one.is_control]
    return {
        "faults": f"{sum(one.faults for one in found):,}",
        "confirmed": f"{sum(one.confirmed for one in found):,}",
        "lost": f"{sum(one.lost for one in found):,}",
    }


def _words(run: Run, row: Row) -> list[str]:
    lines = [f"{row.number}. **{row.fault[0].upper()}{row.fault[1:]}**: {row.holds}."]
    for broker in row.brokers:
        if notes := [note for found in run.of(row, broker) for note in found.notes]:
            lines.append(f"    - {_NAMES[broker]}: {'; '.join(dict.fromkeys(notes))}.")
    return lines


def _controls(run: Run) -> list[str]:
    lines = [
        "| | broker | times | confirmed | lost | the test saw it |",
        "|--:|---|--:|--:|--:|---|",
    ]
    for row in ROWS:
        for broker in row.brokers:
            for one in run.of(row, broker, is_control=True):
                saw = "yes" if one.passed else "**no**"
                sums = (str(one.faults), f"{one.confirmed:,}", f"{one.lost:,}")
                cells = (str(row.number), _NAMES[broker], *sums, saw)
                lines.append(f"| {' | '.join(cells)} |")
    return lines
