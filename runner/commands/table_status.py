"""`ebats status`: its arguments and its help."""

import argparse

from ebats.runner.commands.command import Command, add_file, add_format, add_wait, environ

_STATUS = """\
examples:
  ebats status shop.yaml
  ebats status shop.yaml --format json | jq .dead

Ready messages of each queue, waiting ones of each rung, and dead letters come from
the broker. What is running comes from the runners of this machine, and is `unknown`
(null in JSON) where there is none. `-` (null) stands for a queue that isn't declared yet.
While the broker is away its counts are `unknown` (null, with the reason in `error`), and
the exit code is 1.
"""


def _add_status(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    add_format(parser)
    add_wait(parser)


def _status(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import status

    return status.main(arguments.file, environ(arguments), arguments.format, arguments.wait)


COMMANDS = {
    "status": Command(
        help="show what is queued, waiting, dead and running",
        description="Show what is queued, waiting, dead and running.",
        epilog=_STATUS,
        add_arguments=_add_status,
        call=_status,
    ),
}
