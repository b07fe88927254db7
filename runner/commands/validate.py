"""`ebats validate`: says all that is wrong with files, or that they are good."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ebats.runner.commands.report_text import write
from ebats.runner.commands.verdict import Layer, Verdict, judge

GOOD, PROBLEMS, UNREADABLE = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of `ebats validate` can be chosen."""

    #: End with 1 where there are warnings, too.
    deny_warnings: bool = False
    #: Look at how the parts of a file fit together, too, and not at the shape of each alone.
    with_links: bool = True
    #: What else is looked at in files without errors, the cheap first.
    layers: tuple[Layer, ...] = ()


def main(files: Sequence[str], environ: Mapping[str, str] | None = None, asked: Asked | None = None) -> int:
    """Check each file and print what was found on standard output; return the exit code.

    It is 2 where a file can't be read, else 1 where one has errors, else 0:
    warnings alone don't fail, unless they are denied.
    """
    environ = os.environ if environ is None else environ
    asked = asked or Asked()
    verdicts = [judge(file, environ, asked.layers, with_links=asked.with_links) for file in files]
    write(verdicts, sys.stdout, sys.stderr)
    return max([_code(verdict, asked) for verdict in verdicts], default=GOOD)


def _code(verdict: Verdict, asked: Asked) -> int:
    if verdict.unreadable:
        return UNREADABLE
    return PROBLEMS if verdict.has_errors or (asked.deny_warnings and verdict.problems) else GOOD
