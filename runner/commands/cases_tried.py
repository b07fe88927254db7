"""One case, tried: what came of it, whether that is what it expects, and how long it took."""

import io
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

from ebats.pipelines.cases import Case, Rehearsed
from ebats.pipelines.comparison import Difference, compare
from ebats.pipelines.model import Pipeline
from ebats.runner.commands.cases_words import Finding, findings
from ebats.runner.execution.call import BadEntryPoint
from ebats.runner.rehearsal.outlet import UnfitCase
from ebats.runner.rehearsal.rehearse import rehearse


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of a case."""

    #: The pipeline's, as it was named.
    file: str
    case: Case
    #: None: it couldn't be tried to its end.
    came: Rehearsed | None
    differences: tuple[Difference, ...] = ()
    #: Why it couldn't be tried, or was stopped; else empty.
    trouble: str = ""
    #: Of the wall's clock.
    seconds: float
    #: What the file's own functions printed.
    printed: str = ""

    @property
    def is_good(self) -> bool:
        """Return whether what came is what was expected."""
        return not self.trouble and not self.differences

    def findings(self) -> Iterator[Finding]:
        """Yield what isn't as expected."""
        for difference in self.differences:
            yield from findings(difference)


def try_case(file: str, pipeline: Pipeline, case: Case) -> Tried:
    """Play a case through, and return what came of it."""
    printed = io.StringIO()
    began = time.perf_counter()
    came, trouble = None, ""
    with redirect_stdout(printed), redirect_stderr(printed):
        try:
            came = rehearse(pipeline, case)
        except UnfitCase as error:
            trouble = f"{error.place}: {error}"
        except BadEntryPoint as error:
            trouble = str(error)
    return Tried(
        file=file,
        case=case,
        came=came,
        differences=compare(case.expect, came, case.place) if came else (),
        trouble=came.stopped if came else trouble,
        seconds=time.perf_counter() - began,
        printed=printed.getvalue(),
    )
