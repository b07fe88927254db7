"""`ebats validate`: says all that is wrong with files, or that they are good."""

import os
import sys
from collections.abc import Mapping, Sequence

from ebats.pipelines.counting import counted
from ebats.pipelines.load import Loaded
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import BadFile, Problem, UnreadableFile
from ebats.runner.commands.clocks import examine
from ebats.runner.commands.problems import count, render, wants_colour

GOOD, PROBLEMS, UNREADABLE = 0, 1, 2


def main(files: Sequence[str], environ: Mapping[str, str] | None = None) -> int:
    """Check each file and print what was found on standard output; return the exit code.

    It is 2 where a file can't be read, else 1 where one has errors, else 0:
    warnings alone don't fail.
    """
    environ = os.environ if environ is None else environ
    return max([_check(file, environ) for file in files], default=GOOD)


def _check(file: str, environ: Mapping[str, str]) -> int:
    try:
        loaded = examine(file, environ)
    except BadFile as error:
        _show(error.problems)
        sys.stdout.write(f"{file}: {count(error.problems)}\n")
        return PROBLEMS
    except UnreadableFile as error:
        sys.stderr.write(f"ebats: {error}\n")
        return UNREADABLE
    _show(loaded.warnings)
    sys.stdout.write(f"{file}: {_summary(loaded)}\n")
    return GOOD


def _show(problems: tuple[Problem, ...]) -> None:
    sys.stdout.write(render(problems, colour=wants_colour(sys.stdout, os.environ)))


def _summary(loaded: Loaded) -> str:
    doubts = count(loaded.warnings)
    return f"ok ({_contents(loaded.pipeline)})" + (f", {doubts}" if doubts else "")


def _contents(pipeline: Pipeline) -> str:
    sections = {
        "event": pipeline.events,
        "task": pipeline.tasks,
        "queue": pipeline.queues,
        "consumer": pipeline.consumers,
        **({"producer": pipeline.producers} if pipeline.producers else {}),
    }
    return ", ".join(counted(len(section), noun) for noun, section in sections.items())
