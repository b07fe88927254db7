"""`ebats run`: its arguments and its help."""

import argparse

from ebats.runner.commands.command import Command, add_file, environ

_RUN = """\
examples:
  ebats run shop.yaml
  ebats run shop.yaml --only orders --only mail     two of its consumers or producers
  ebats run shop.yaml --until-idle --fail-on-dead   in a test: work off what is there
  ebats run shop.yaml -e EBATS_BROKER_URL=amqp://guest:guest@localhost/

SIGTERM and Ctrl-C let running tasks finish within the file's grace time, hand back
the rest and exit with 0; a second one ends at once.
`ebats-run FILE` is the same command.
"""


def _add_run(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    parser.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        default=[],
        help="run this consumer or producer alone; may be repeated",
    )
    parser.add_argument(
        "--until-idle",
        action="store_true",
        help="end when nothing is queued, waiting or running any more",
    )
    parser.add_argument(
        "--fail-on-dead", action="store_true", help="exit with 1 if this run made dead letters"
    )


def _run(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import run

    return run.main(
        arguments.file,
        environ(arguments),
        arguments.only,
        until_idle=arguments.until_idle,
        fail_on_dead=arguments.fail_on_dead,
    )


COMMANDS = {
    "run": Command(
        help="run what a file describes, until Ctrl-C",
        description="Check the file, make the broker match it, and run its consumers and producers.",
        epilog=_RUN,
        add_arguments=_add_run,
        call=_run,
    ),
}
