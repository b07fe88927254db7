"""`ebats purge` and `ebats tap`: their arguments and their help."""

import argparse

from ebats.runner.commands.command import Command, add_file, add_format, add_wait, count, environ

_PURGE = """\
examples:
  ebats purge shop.yaml demo
  ebats purge shop.yaml dead --yes
  ebats purge shop.yaml 5s                the rung, as `ebats status` shows it

Deletes the ready messages of a queue, after saying how many there are and asking. What
runs at this moment goes on, and its retries come in again.
"""
_TAP = """\
examples:
  ebats tap shop.yaml                     every event, and every message for a task
  ebats tap shop.yaml order_paid          an event
  ebats tap shop.yaml dead                what dies
  ebats tap shop.yaml order_paid --format json --limit 10

Shows copies of messages as they pass an exchange; the messages themselves go their way. A tap
that is slow, or stopped, misses the oldest, and holds up nobody. What is published straight to
a queue (default exchange) passes no exchange and isn't seen. End it before the file's events
change: what only a tap takes is no dead letter.
"""


def _add_purge(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    parser.add_argument("queue", metavar="QUEUE", help="a queue of the file, `dead`, `suspects`, or a rung")
    parser.add_argument("--yes", action="store_true", help="don't ask")
    add_wait(parser)


def _purge(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import purge

    return purge.main(
        arguments.file, environ(arguments), arguments.queue, yes=arguments.yes, wait_s=arguments.wait
    )


def _add_tap(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    parser.add_argument(
        "name", metavar="EVENT|QUEUE", nargs="?", help="what to show (default: every event and task)"
    )
    parser.add_argument("--limit", metavar="N", type=count, help="end after so many")
    add_format(parser)
    add_wait(parser)


def _tap(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import tap

    return tap.main(
        arguments.file,
        environ(arguments),
        arguments.name,
        format_=arguments.format,
        limit=arguments.limit,
        wait_s=arguments.wait,
    )


COMMANDS = {
    "purge": Command(
        help="empty a queue, after asking",
        description="Delete the messages of a queue, after asking.",
        epilog=_PURGE,
        add_arguments=_add_purge,
        call=_purge,
    ),
    "tap": Command(
        help="show copies of what passes",
        description="Show copies of messages as they pass, without disturbing them.",
        epilog=_TAP,
        add_arguments=_add_tap,
        call=_tap,
    ),
}
