"""`ebats validate`: says all that is wrong with files, or that they are good."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ebats.pipelines.problems import BadFile, UnreadableFile
from ebats.pipelines.source import MOST_BYTES
from ebats.runner.commands import report
from ebats.runner.commands.pipeline_files import expand
from ebats.runner.commands.report import Format
from ebats.runner.commands.verdict import Layer, Verdict, judge

GOOD, PROBLEMS, UNREADABLE = 0, 1, 2
STDIN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of `ebats validate` can be chosen."""

    #: End with 1 where there are warnings, too.
    deny_warnings: bool = False
    #: Look at how the parts of a file fit together, too, and not at the shape of each alone.
    with_links: bool = True
    #: What else is looked at in files without errors, the cheap first.
    layers: tuple[Layer, ...] = ()
    format: Format = "text"
    #: What `-` is called where it is told, and the place that its relative paths start at.
    stdin_filename: str = STDIN


def main(files: Sequence[str], environ: Mapping[str, str] | None = None, asked: Asked | None = None) -> int:
    """Check files, those of folders, and `-`, standard input; print what was found; return the exit code.

    It is 2 where a file can't be read, else 1 where one has errors, else 0:
    warnings alone don't fail, unless they are denied.
    """
    environ = os.environ if environ is None else environ
    asked = asked or Asked()
    verdicts = list(_verdicts(files, environ, asked))
    report.write(asked.format, verdicts, os.environ)
    return max([_code(verdict, asked) for verdict in verdicts], default=GOOD)


def refuse(file: str, error: BadFile, asked: Asked) -> int:
    """Print what is wrong with a file of variables, without which none is checked; return the exit code."""
    report.write(asked.format, [Verdict(file=file, problems=error.problems)], os.environ)
    return PROBLEMS


def _verdicts(names: Sequence[str], environ: Mapping[str, str], asked: Asked) -> Iterator[Verdict]:
    """Yield what is found in each file, in the order in which they were named, each once."""
    seen = set()
    for name in names:
        try:
            files = [name] if name == STDIN else expand(name)
        except UnreadableFile as error:
            yield Verdict(file=name, unreadable=str(error))
            continue
        for file in files:
            if os.path.normpath(file) not in seen:
                seen.add(os.path.normpath(file))
                yield _verdict(file, environ, asked)


def _verdict(file: str, environ: Mapping[str, str], asked: Asked) -> Verdict:
    content = sys.stdin.buffer.read(MOST_BYTES + 1) if file == STDIN else None
    called = asked.stdin_filename if file == STDIN else file
    return judge(called, environ, asked.layers, content=content, with_links=asked.with_links)


def _code(verdict: Verdict, asked: Asked) -> int:
    if verdict.unreadable:
        return UNREADABLE
    return PROBLEMS if verdict.has_errors or (asked.deny_warnings and verdict.problems) else GOOD
