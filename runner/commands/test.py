"""`ebats test`: tries the cases of files, without a broker, and says which aren't as expected."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from ebats.pipelines.counting import counted
from ebats.pipelines.problems import EbatsError, UsageError
from ebats.runner.commands import cases_json, cases_text
from ebats.runner.commands.ask import Interrupted
from ebats.runner.commands.cases_files import Cases, find
from ebats.runner.commands.cases_tried import Tried, try_case
from ebats.runner.commands.problems import wants_colour
from ebats.runner.rehearsal.imports import importing

GOOD, FAILED = 0, 1


class NotWritten(EbatsError):
    """Raised when the results can't be written where they were asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of `ebats test` can be chosen."""

    #: Only cases with this in their name, whatever its letters' case; empty: all.
    name: str = ""
    format: Literal["text", "json"] = "text"
    #: Where to write the results as JUnit's XML.
    junit: str | None = None


def main(
    names: Sequence[str],
    environ: Mapping[str, str],
    given: Mapping[str, str] | None = None,
    asked: Asked | None = None,
) -> int:
    """Try the cases of pipeline files, files of cases, and folders; return the exit code.

    `environ` fills the files in; `given` are those of its variables that nothing
    beats. It is 0 where all that was tried is as expected, else 1, also where
    there was nothing to try.

    Raises:
        BadFile: with the problems of all the files; then nothing is tried.
        UnreadableFile: there is no such file, or it can't be read.
        UsageError: no case has the wanted name.
        NotWritten: the results can't be written.
        Interrupted: by Ctrl-C; a function may never return.
    """
    asked = asked or Asked()
    found = find(names, environ, given or {})
    chosen = [each.named(asked.name) for each in found]
    if not any(each.cases for each in chosen):
        return _nothing(found, asked)
    started, began = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
    tried = [one for each in chosen for one in _try(each, asked)]
    seconds = time.perf_counter() - began
    _tell(tried, seconds, asked)
    # Afterwards: where it can't be written, all else has been told.
    if asked.junit is not None:
        _write_junit(asked.junit, tried, started)
    return GOOD if all(each.is_good for each in tried) else FAILED


def _nothing(found: Sequence[Cases], asked: Asked) -> int:
    """Say that there is nothing to try: a green test of nothing would be a lie."""
    if number := sum(len(each.cases) for each in found):
        raise UsageError(f"none of {counted(number, 'case')} has {asked.name!r} in its name")
    files = ", ".join(each.file for each in found)
    hint = "write some below `tests:`, or into NAME_test.yaml beside it"
    sys.stderr.write(f"ebats: no case to try in {files}: {hint}\n")
    return FAILED


def _try(cases: Cases, asked: Asked) -> list[Tried]:
    is_text = asked.format == "text"
    colour = wants_colour(sys.stdout, os.environ)
    tried = []
    if is_text and (cases.cases or not asked.name):
        sys.stdout.write(f"{cases.file}{'' if cases.cases else ': no cases'}\n")
    with importing(cases.pipeline.folders):
        for case in cases.cases:
            try:
                tried.append(try_case(cases.file, cases.pipeline, case))
            except KeyboardInterrupt:
                raise Interrupted(f"interrupted in {case.place}: {case.name}") from None
            if is_text:
                sys.stdout.write("  " + cases_text.line(tried[-1], colour=colour))
                sys.stdout.flush()
    return tried


def _tell(tried: Sequence[Tried], seconds: float, asked: Asked) -> None:
    if asked.format == "json":
        sys.stdout.write(cases_json.document(tried, seconds))
        return
    colour = wants_colour(sys.stdout, os.environ)
    for each in tried:
        if not each.is_good:
            sys.stdout.write("\n" + cases_text.report(each, colour=colour))
    sys.stdout.write("\n" + cases_text.summary(tried, seconds))


def _write_junit(path: str, tried: Sequence[Tried], started: str) -> None:
    # Its parser of XML is of use to nobody else.
    from ebats.runner.commands.cases_junit import document

    try:
        Path(path).write_bytes(document(tried, started))
    except OSError as error:
        raise NotWritten(f"can't write {path}: {error.strerror}") from error
