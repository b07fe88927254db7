"""The command line: what is written there, and which command does it."""

import argparse
import os
import sys
from collections.abc import Sequence

from ebats import __version__
from ebats.pipelines.problems import BadFile, EbatsError
from ebats.runner.commands.command import Command
from ebats.runner.commands.table import COMMANDS

_DESCRIPTION = "Run an asynchronous task system from one YAML file."
_EPILOG = """\
examples:
  ebats init shop                      make a folder with a pipeline to begin with
  ebats validate shop.yaml             say all that is wrong with the file
  ebats test shop.yaml                 try its cases, in milliseconds, without a broker
  ebats graph shop.yaml -o shop.svg    draw it
  ebats run shop.yaml                  run it until Ctrl-C
  ebats publish shop.yaml order_paid -d '{"order_id": 1}'
  ebats status shop.yaml               what is queued, waiting, dead, running

exit codes:
  0  done    1  failed    2  wrong usage, or a file that can't be read
  78 a bad file, or a broker that has something else than it needs, or can't be used
  130  Ctrl-C; `run` and `tap` end with 0

`ebats COMMAND --help` tells more about each command.
"""

WINDOWS = os.name == "nt"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments (those of the process by default) say; return the exit code: `ebats`."""
    parser = argparse.ArgumentParser(
        prog="ebats",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"ebats {__version__}")
    parser.set_defaults(call=_call_nothing, parser=parser, root=parser)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, command in COMMANDS.items():
        _prepare(subparsers.add_parser(name, help=command.help, allow_abbrev=False), command)
    return _guarded(parser, arguments)


def run(arguments: Sequence[str] | None = None) -> int:
    """Do what `ebats run` does with these arguments: `ebats-run`."""
    parser = argparse.ArgumentParser(prog="ebats-run", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"ebats-run {__version__}")
    _prepare(parser, COMMANDS["run"])
    return _guarded(parser, arguments)


def _prepare(parser: argparse.ArgumentParser, command: Command) -> None:
    parser.description = command.description
    parser.epilog = command.epilog
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_arguments(parser)
    parser.set_defaults(call=command.call, parser=parser)


def _call_nothing(arguments: argparse.Namespace) -> int:
    arguments.parser.print_help(sys.stderr)
    return 2


def _guarded(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    """Parse and call; turn what is for people into a text and an exit code."""
    if WINDOWS:
        sys.stderr.write("ebats: Windows isn't supported; run it on Linux or macOS, or in WSL\n")
        return 1
    try:
        return _call(parser, arguments)
    except EbatsError as error:
        _tell(error)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Who reads our output has had enough; Python would complain about it once more at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _call(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    try:
        parsed = parser.parse_args(arguments)
        code: int = parsed.call(parsed)
        return code
    finally:
        sys.stdout.flush()


def _tell(error: EbatsError) -> None:
    if isinstance(error, BadFile):
        from ebats.runner.commands.problems import render, wants_colour

        sys.stderr.write(render(error.problems, colour=wants_colour(sys.stderr, os.environ)))
    else:
        sys.stderr.write(f"ebats: {error}\n")
