"""`ebats alerts`: its arguments and their help."""

import argparse

from ebats.runner.commands.command import Command, Subcommand, add_commands, add_file, add_format, environ

_ALERTS = """\
examples:
  ebats alerts test shop.yaml                  a message through each channel
  ebats alerts list shop.yaml
  ebats alerts ack shop.yaml 1f9a3c            all subjects of one alert
  ebats alerts ack shop.yaml 1f9a3c/ship       one of them
  ebats alerts ack shop.yaml                   all there are

What is open is known to the runners of this machine. An alert that somebody has acknowledged
is told again neither in its channels nor in those it would escalate to; that it is over, is.
"""
_TEST = """\
examples:
  ebats alerts test shop.yaml
  ebats alerts test shop.yaml --channel mail
"""
_LIST = """\
examples:
  ebats alerts list shop.yaml
  ebats alerts list shop.yaml --format json
"""
_ACK = """\
examples:
  ebats alerts ack shop.yaml 1f9a3c            all subjects of one alert
  ebats alerts ack shop.yaml 1f9a3c/ship       one of them
  ebats alerts ack shop.yaml                   all there are
"""


def _add_alerts(parser: argparse.ArgumentParser) -> None:
    add_commands(
        parser,
        (
            Subcommand(
                name="test",
                help="send a message through each channel, and say what came of it",
                examples=_TEST,
                add_arguments=_add_test,
                call=_test,
            ),
            Subcommand(
                name="list",
                help="show what is wrong at this moment",
                examples=_LIST,
                add_arguments=_add_list,
                call=_list,
            ),
            Subcommand(
                name="ack", help="say that you take it on", examples=_ACK, add_arguments=_add_ack, call=_ack
            ),
        ),
    )


def _alerts(arguments: argparse.Namespace) -> int:
    code: int = arguments.call(arguments)
    return code


def _add_list(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    add_format(parser)


def _add_ack(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    parser.add_argument(
        "id", metavar="ID", nargs="?", help="of an alert, or ID/SUBJECT; without it, all that are open"
    )


def _add_test(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    parser.add_argument(
        "--channel", metavar="NAME", action="append", default=[], help="this one alone; may be repeated"
    )


def _test(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import channels

    return channels.try_out(arguments.file, environ(arguments), arguments.channel)


def _list(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import alerts

    return alerts.list_(arguments.file, environ(arguments), arguments.format)


def _ack(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import alerts

    return alerts.ack(arguments.file, environ(arguments), arguments.id)


COMMANDS = {
    "alerts": Command(
        help="see what is wrong, and say that you take it on",
        description="See what is wrong, and say that you take it on.",
        epilog=_ALERTS,
        add_arguments=_add_alerts,
        call=_alerts,
    ),
}
