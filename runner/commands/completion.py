"""`ebats completion`: what a shell needs to complete the commands, their options and their files."""

import argparse
import sys
from collections.abc import Iterator

import shtab

from ebats.pipelines.rules import RULES

#: What an argument is called that takes a path.
_FILES = {"FILE", "PATH"}
_FOLDERS = {"DIR", "FOLDER"}


def main(shell: str, parser: argparse.ArgumentParser) -> int:
    """Print the script that completes what a parser takes, for a shell; return the exit code."""
    for action in _actions(parser):
        _tell(action)
    sys.stdout.write(shtab.complete(parser, shell))
    return 0


def _tell(action: argparse.Action) -> None:
    """Say of an argument what stands there, where that is more than any text."""
    names = {action.metavar} if isinstance(action.metavar, str) else set(action.metavar or ())
    # shtab reads it off the action: it has no other way to be told.
    if action.dest == "file" and names & _FILES:
        action.complete = shtab.glob("*.yaml", "*.yml")  # type: ignore[attr-defined]
    elif names & _FILES:
        action.complete = shtab.FILE  # type: ignore[attr-defined]
    elif names & _FOLDERS:
        action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    elif action.dest == "rules":
        action.choices = tuple(RULES)


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments of a parser, and of the commands below it."""
    for action in parser._actions:  # argparse has no public way to list them
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _actions(below)
