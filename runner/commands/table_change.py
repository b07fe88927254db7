"""`ebats plan`, `ebats apply` and `ebats prune`: their arguments and their help."""

import argparse

from ebats.runner.commands.command import Command, add_file, add_format, add_wait, environ

_PLAN = """\
examples:
  ebats plan shop.yaml
  ebats plan shop.yaml --detailed-exitcode    in a pipeline of yours: 0 nothing to do, 2 something
  ebats plan shop.yaml --format json

Shows what the next start, or `ebats apply`, would change on the broker: what is made, bound
and unbound, what left the file, how many messages wait there, and what becomes of them.
Nothing is changed, and no message is touched.

exit codes:
  0  done; with --detailed-exitcode: there is nothing to do
  1  failed: the broker can't be reached
  2  with --detailed-exitcode: there is something to do, or something clashes
"""
_APPLY = """\
examples:
  ebats apply shop.yaml

Does what `ebats run` does first: makes and binds what is new, unbinds what only the old file
had, and moves messages to where the file wants them now. Runs nothing. Nothing is deleted.
"""
_PRUNE = """\
examples:
  ebats prune shop.yaml
  ebats prune shop.yaml --yes

Deletes queues and exchanges that left the file, once they are empty and nobody uses them;
shows them first, and asks. Stop runners with an older file before: what they have in hand
of such a queue can't be seen.
"""


def _add_plan(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    parser.add_argument(
        "--detailed-exitcode", action="store_true", help="exit with 2 where there is something to do"
    )
    add_format(parser)
    add_wait(parser)


def _plan(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import plan

    return plan.plan(
        arguments.file,
        environ(arguments),
        arguments.format,
        detailed=arguments.detailed_exitcode,
        wait_s=arguments.wait,
    )


def _add_apply(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    add_wait(parser)


def _apply(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import plan

    return plan.apply(arguments.file, environ(arguments), wait_s=arguments.wait)


def _add_prune(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    parser.add_argument("--yes", action="store_true", help="don't ask")
    add_wait(parser)


def _prune(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import prune

    return prune.main(arguments.file, environ(arguments), yes=arguments.yes, wait_s=arguments.wait)


COMMANDS = {
    "plan": Command(
        help="show what a changed file would change on the broker",
        description="Show what the next start would change on the broker.",
        epilog=_PLAN,
        add_arguments=_add_plan,
        call=_plan,
    ),
    "apply": Command(
        help="make the broker match the file, without running",
        description="Make the broker match the file, without running anything.",
        epilog=_APPLY,
        add_arguments=_add_apply,
        call=_apply,
    ),
    "prune": Command(
        help="delete what left the file, after asking",
        description="Delete what left the file and is empty, after showing it and asking.",
        epilog=_PRUNE,
        add_arguments=_add_prune,
        call=_prune,
    ),
}
