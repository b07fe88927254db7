"""What a command of `ebats` is, and the arguments that several have."""

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One of the commands."""

    #: One line, in the list of commands.
    help: str
    description: str
    epilog: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    #: Returns the exit code.
    call: Callable[[argparse.Namespace], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subcommand:
    """A command of a command, such as `ebats dead list`."""

    name: str
    #: One line, without a capital letter and a full stop.
    help: str
    examples: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    #: Returns the exit code.
    call: Callable[[argparse.Namespace], int]


def add_file(
    parser: argparse.ArgumentParser, nargs: str | None = None, text: str = "a pipeline file"
) -> None:
    """Let a command take a pipeline file (with `nargs` as argparse has it), and its variables."""
    parser.add_argument("file", metavar="FILE", nargs=nargs, help=text)
    group = parser.add_argument_group("variables of the file")
    group.add_argument(
        "-e",
        dest="variables",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="set a variable; beats the environment",
    )
    group.add_argument(
        "--env-file",
        metavar="FILE",
        help="read variables from a file, not from the .env beside FILE; the environment beats it",
    )


def add_commands(parser: argparse.ArgumentParser, commands: Sequence[Subcommand]) -> None:
    """Let a command have commands of its own, each with examples in its help."""
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in commands:
        one = subparsers.add_parser(
            command.name,
            help=command.help,
            allow_abbrev=False,
            description=f"{command.help[0].upper()}{command.help[1:]}.",
            epilog=command.examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(one)
        one.set_defaults(call=command.call, parser=one)


def environ(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the variables that a command's file is filled in with.

    Raises:
        EbatsError: what is given as a variable is none.
    """
    from ebats.runner.commands.environ import merge

    return merge(os.environ, arguments.env_file, arguments.variables)


def seconds(text: str) -> float:
    """Return a duration such as `1m30s` in seconds.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    from ebats.pipelines.ladder import parse_duration

    try:
        return parse_duration(text) / 1000
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def delay(text: str) -> float:
    """Return a duration in seconds that a message may wait.

    Raises:
        argparse.ArgumentTypeError: it is none, or too long.
    """
    from ebats.pipelines.ladder import LONGEST_WAIT_S, format_duration

    found = seconds(text)
    if found > LONGEST_WAIT_S:
        longest = format_duration(int(LONGEST_WAIT_S * 1000))
        raise argparse.ArgumentTypeError(f"{text} is too long: a delay is {longest} at most")
    return found


def add_wait(parser: argparse.ArgumentParser) -> None:
    """Let a command wait for a broker that is away: `--wait`."""
    parser.add_argument(
        "--wait",
        metavar="DURATION",
        type=seconds,
        default=10.0,
        help="how long to wait for a broker that is away (default: 10s)",
    )


def add_format(parser: argparse.ArgumentParser) -> None:
    """Let a command speak to programs: `--format json`."""
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="for people, or for programs"
    )


def count(text: str) -> int:
    """Return a whole number from 1.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1")
    return int(text)
