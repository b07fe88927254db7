"""docs/performance.md, written from docs/performance.jsonl: `python -m tests.benchmarks.page`."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.aims import Outcome, outcomes
from tests.benchmarks.figures import Figures, Run, read
from tests.benchmarks.kinds import BY_NAME, KINDS, Kind
from tests.benchmarks.report import rows, shown
from tests.benchmarks.words import BROKERS

DOCS = Path(__file__).parents[2] / "docs"
TEMPLATE = Path(__file__).with_name("performance.template")
FIGURES, PAGE = DOCS / "performance.jsonl", DOCS / "performance.md"


def write(folder: Path = DOCS) -> None:
    """Write the page and its plots beside the figures in a folder."""
    from tests.benchmarks import plots  # matplotlib is there only for `tox -e bench`

    run, figures = read(folder / FIGURES.name)
    (folder / PAGE.name).write_text(text(run, figures), "utf-8")
    for old in folder.glob("performance*.svg"):
        old.unlink()
    plots.of_aims(folder / plot(), outcomes(figures))
    for kind in _measured(figures):
        plots.of_kind(folder / plot(kind), kind, figures.of(kind.name))


def text(run: Run, figures: Figures) -> str:
    """Return the page."""
    reached = outcomes(figures)
    return TEMPLATE.read_text("utf-8").format(
        date=_period(sorted(set(run.dates.values()))),
        machine=_machine(run),
        commands="\n".join(dict.fromkeys(run.commands.values())),
        summary=_summary(reached),
        plot=plot(),
        aims="\n".join(_aims(reached)),
        cpu=_anchor(BY_NAME["cpu"].title),
        versions="\n".join(_versions(run)),
        kinds="\n\n".join("\n".join(_section(kind, run, figures)) for kind in _measured(figures)),
    )


def plot(kind: Kind | None = None) -> str:
    """Return the name of a kind's plot, or of the overview's."""
    return f"performance-{kind.name}.svg" if kind else "performance.svg"


def _measured(figures: Figures) -> list[Kind]:
    return [kind for kind in KINDS if figures.of(kind.name).all]


def _period(dates: Sequence[str]) -> str:
    return dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"


def _machine(run: Run) -> str:
    one = run.machine
    return f"{one['cores']} cores of {one['processor']} with {one['memory']} of memory, under {one['kernel']}"


def _versions(run: Run) -> Iterator[str]:
    yield from ("| | |", "|---|---|")
    for name, value in {**run.machine, **run.versions}.items():
        yield f"| {name} | {value} |"


def _summary(reached: Sequence[Outcome]) -> str:
    measured = [one for one in reached if one.times is not None]
    met, missed = (sum(one.is_met is wanted for one in measured) for wanted in (True, False))
    if not missed:
        return f"all {met} are met"
    return f"{met} of {met + missed} are met, {missed} {'is' if missed == 1 else 'are'} not"


def _aims(reached: Sequence[Outcome]) -> Iterator[str]:
    yield "| aim | compared with | on | asked | measured | ebats | the other | |"
    yield "|---|---|---|--:|--:|--:|--:|---|"
    for one in reached:
        aim = one.aim
        cells = [_link(aim.kind, aim.words), aim.whom, BROKERS[aim.broker], _asked(aim.asked)]
        if one.times is None:
            cells += ["", "", "", "not measured"]
        else:
            quantity = BY_NAME[aim.kind].quantity
            # Otherwise the other is already named.
            other = f" ({one.other})" if not aim.against else ""
            theirs = f"{shown(quantity, one.theirs)}{other}"
            verdict = "met" if one.is_met else "**not met**"
            cells += [f"{one.times:.2f} times", shown(quantity, one.ours), theirs, verdict]
        yield _line(cells)


def _asked(times: float) -> str:
    return "as good" if times == 1 else f"{times:g} times"


def _link(kind: str, words: str) -> str:
    return f"[{words}](#{_anchor(BY_NAME[kind].title)})"


def _section(kind: Kind, run: Run, figures: Figures) -> Iterator[str]:
    of = figures.of(kind.name)
    yield from (f"## {kind.title}", "", kind.what, "")
    is_other_day = set(run.dates.values()) != {run.dates[kind.name]}
    yield from (f"Measured {f'on {run.dates[kind.name]}, ' if is_other_day else ''}{_rounds(of)}.", "")
    yield from (f"![{kind.title}: {kind.unit}]({plot(kind)})", "")
    for broker in of.brokers():
        head, *lines = rows(kind, of.on(broker))
        left = 2 if any(figure.size for figure in of.all) else 1
        yield from (f"{BROKERS[broker]}:", "", _line(head)) if broker else (_line(head),)
        yield "|" + "".join("---|" if place < 1 else "--:|" for place in range(len(head)))
        yield from (_line(_strong(line, left)) for line in lines)
        yield ""
    yield from _settings(of)


def _rounds(figures: Figures) -> str:
    """Return how often each of them was measured, in words."""
    most = max(Counter((one.broker, one.contender, one.size) for one in figures.all).values())
    return "once" if most == 1 else f"in {most} rounds"


def _strong(line: Sequence[str], left: int) -> list[str]:
    """Return a line with the name and the figure in bold if it is ebats's."""
    if not line[0].startswith("ebats"):
        return list(line)
    return [f"**{cell}**" if cell and place in (0, left) else cell for place, cell in enumerate(line)]


def _settings(figures: Figures) -> Iterator[str]:
    yield from ("<details><summary>How they were set up</summary>", "")
    for name in figures.contenders():
        one = figures.of(figures.all[0].kind, contender=name)
        settings = dict.fromkeys(setting for figure in one.all for setting in figure.settings)
        yield f"- **{name}**: {'; '.join(settings) or 'as it comes'}."
    yield from ("", "</details>")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _anchor(title: str) -> str:
    """Return the name that GitHub gives to a heading."""
    kept = "".join(sign for sign in title.lower() if sign.isalnum() or sign in "_- ")
    return kept.replace(" ", "-")


if __name__ == "__main__":
    write()
    sys.stdout.write(f"written: {PAGE} and its plots\n")
