"""What `ebats validate` found, for people: each problem with its line, then a line for each file."""

import os
from collections.abc import Iterable
from typing import TextIO

from ebats.runner.commands.problems import count, render, wants_colour
from ebats.runner.commands.verdict import Verdict, summary


def write(verdicts: Iterable[Verdict], out: TextIO, err: TextIO) -> None:
    """Write what was found to `out`, and which files couldn't be read to `err`."""
    for verdict in verdicts:
        if verdict.unreadable:
            err.write(f"ebats: {verdict.unreadable}\n")
        else:
            texts = {} if verdict.text is None else {verdict.file: verdict.text}
            out.write(render(verdict.problems, colour=wants_colour(out, os.environ), texts=texts))
            out.write(f"{verdict.file}: {_end(verdict)}\n")


def _end(verdict: Verdict) -> str:
    counts = count(verdict.problems)
    if verdict.has_errors:
        return counts
    return f"ok ({summary(verdict)})" + (f", {counts}" if counts else "")
