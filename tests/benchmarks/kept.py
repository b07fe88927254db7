"""What a run leaves in docs: its figures, beside those of kinds that it didn't measure."""

import datetime
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.benchmarks import page
from tests.benchmarks.figures import Figures, Run, read, write


class OtherMachineError(Exception):
    """Raised when figures of different machines or versions would stand on one page."""


def check(run: Run, file: Path = page.FIGURES) -> None:
    """Refuse a run that can't be written: before it takes its half an hour.

    Raises:
        OtherMachineError: figures of other kinds would stay that were measured elsewhere or otherwise.
        ImportError: what draws the plots isn't installed (`pip install ebats[bench]`).
    """
    from tests.benchmarks import plots  # noqa: F401 - shows whether matplotlib is there

    if not file.exists():
        return
    earlier, _ = read(file)
    differ = _differences(earlier, run)
    if differ and set(earlier.dates) - set(run.dates):
        raise OtherMachineError(
            f"{file.name} was measured with other versions or on another machine ({', '.join(differ)}): "
            "measure all kinds, not only some"
        )


def keep(run: Run, figures: Figures, file: Path = page.FIGURES) -> None:
    """Write the figures, with those of kinds that weren't measured now, and the page beside them."""
    measured = {figure.kind for figure in figures.all}
    dates = {kind: date for kind, date in run.dates.items() if kind in measured}
    commands = {kind: command for kind, command in run.commands.items() if kind in measured}
    run = replace(run, dates=dates, commands=commands)
    if file.exists():
        earlier, others = read(file)
        if not _differences(earlier, run):
            figures = Figures([*(one for one in others.all if one.kind not in measured), *figures.all])
            run = replace(run, dates={**earlier.dates, **dates}, commands={**earlier.commands, **commands})
    write(file, run, figures.all)
    page.write(file.parent)


def _differences(earlier: Run, run: Run) -> list[str]:
    """Name what isn't the same: a version, the processor."""
    theirs, ours = ({**one.machine, **one.versions} for one in (earlier, run))
    return [name for name in {**theirs, **ours} if ours.get(name) != theirs.get(name)]


def run_of(
    machine: dict[str, str], versions: dict[str, str], kinds: Sequence[str], arguments: Sequence[str]
) -> Run:
    """Describe a run that begins now."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    command = f"python -m tests.benchmarks {shlex.join(arguments)}"
    return Run(
        machine=machine,
        versions=versions,
        dates=dict.fromkeys(kinds, today),
        commands=dict.fromkeys(kinds, command),
    )
