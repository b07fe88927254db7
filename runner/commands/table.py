"""The commands of `ebats`: their arguments, their help, and where each is done.

What does them is imported when it is called: `ebats --help` is to be there at once.
"""

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass

_LONGEST_ID = 255

_RUN = """\
examples:
  ebats run shop.yaml
  ebats run shop.yaml --only orders --only mail     two of its consumers
  ebats run shop.yaml --until-idle --fail-on-dead   in a test: work off what is there
  ebats run shop.yaml -e EBATS_BROKER_URL=amqp://guest:guest@localhost/

SIGTERM and Ctrl-C let running tasks finish within the file's grace time, hand back
the rest and exit with 0; a second one ends at once.
`ebats-run FILE` is the same command.
"""
_VALIDATE = """\
examples:
  ebats validate shop.yaml
  ebats validate pipelines/*.yaml

Every problem is shown with file, line and column. The exit code is 1 where a file
has errors; warnings alone don't fail.
"""
_PUBLISH = """\
examples:
  ebats publish shop.yaml order_paid -d '{"order_id": 1}'
  ebats publish shop.yaml order_paid --file orders.jsonl
  zcat orders.jsonl.gz | ebats publish shop.yaml order_paid --file -
  ebats publish shop.yaml --task ship -d '{"order_id": 1}'
  ebats publish shop.yaml --exchange orders --key eu.paid -d '{"order_id": 1}'

Each payload goes out as it stands. A message counts when the broker has confirmed it;
what was never declared is declared first, so this works before the first run.
"""
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


def _add_file(parser: argparse.ArgumentParser, nargs: str | None = None) -> None:
    parser.add_argument("file", metavar="FILE", nargs=nargs, help="a pipeline file")
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
        "--env-file", metavar="FILE", help="read variables from a file; the environment beats it"
    )


def _environ(arguments: argparse.Namespace) -> dict[str, str]:
    from ebats.runner.commands import environ

    return environ.merge(os.environ, arguments.env_file, arguments.variables)


def _seconds(text: str) -> float:
    from ebats.pipelines.ladder import parse_duration

    try:
        return parse_duration(text) / 1000
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _add_wait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wait",
        metavar="DURATION",
        type=_seconds,
        default=10.0,
        help="how long to wait for a broker that is away (default: 10s)",
    )


def _add_run(parser: argparse.ArgumentParser) -> None:
    _add_file(parser)
    parser.add_argument(
        "--only", metavar="CONSUMER", action="append", default=[], help="run this consumer; may be repeated"
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
        _environ(arguments),
        arguments.only,
        until_idle=arguments.until_idle,
        fail_on_dead=arguments.fail_on_dead,
    )


def _add_validate(parser: argparse.ArgumentParser) -> None:
    _add_file(parser, nargs="+")


def _validate(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import validate

    return validate.main(arguments.file, _environ(arguments))


def _add_publish(parser: argparse.ArgumentParser) -> None:
    _add_file(parser)
    parser.add_argument("event", metavar="EVENT", nargs="?", help="the event that happened")
    where = parser.add_argument_group("instead of an event")
    where.add_argument("--task", metavar="TASK", help="one task, whatever its events")
    where.add_argument("--exchange", metavar="NAME", help="an exchange of the file, or `events` or `tasks`")
    where.add_argument("--key", metavar="KEY", help="the routing key, with --exchange")
    what = parser.add_argument_group("what to publish").add_mutually_exclusive_group(required=True)
    what.add_argument("-d", "--data", metavar="JSON", help="one payload")
    what.add_argument(
        "--file", dest="lines", metavar="LINES", help="a file with one payload a line; - is standard input"
    )
    parser.add_argument(
        "--id", dest="message_id", metavar="ID", help="the message id, with -d (default: a new one)"
    )
    _add_wait(parser)


def _publish(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import publish

    _check_publish(arguments)
    request = publish.Request(
        event=arguments.event,
        task=arguments.task,
        exchange=arguments.exchange,
        key=arguments.key or "",
        data=arguments.data,
        lines=arguments.lines,
        message_id=arguments.message_id,
        wait_s=arguments.wait,
    )
    return publish.main(arguments.file, _environ(arguments), request)


def _check_publish(arguments: argparse.Namespace) -> None:
    """Refuse, as argparse does, what doesn't go together."""
    error = arguments.parser.error
    if sum(name is not None for name in (arguments.event, arguments.task, arguments.exchange)) != 1:
        error("name one of EVENT, --task and --exchange")
    if arguments.key is not None and arguments.exchange is None:
        error("--key goes with --exchange")
    if arguments.message_id is not None and arguments.data is None:
        error("--id is for the one message of -d")
    if arguments.message_id is not None and not 0 < len(arguments.message_id.encode()) <= _LONGEST_ID:
        error(f"an --id has 1 to {_LONGEST_ID} bytes")


def _add_status(parser: argparse.ArgumentParser) -> None:
    _add_file(parser)
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="for people, or for programs"
    )
    _add_wait(parser)


def _status(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import status

    return status.main(arguments.file, _environ(arguments), arguments.format, arguments.wait)


#: By name, in the order of the help.
COMMANDS = {
    "run": Command(
        help="run a file's consumers",
        description="Check the file, make the broker match it, and run its consumers.",
        epilog=_RUN,
        add_arguments=_add_run,
        call=_run,
    ),
    "validate": Command(
        help="say all that is wrong with files",
        description="Say all that is wrong with files; nothing is imported, and no broker is asked.",
        epilog=_VALIDATE,
        add_arguments=_add_validate,
        call=_validate,
    ),
    "publish": Command(
        help="publish messages",
        description="Publish an event, or a message for one task, and wait for the broker's confirm.",
        epilog=_PUBLISH,
        add_arguments=_add_publish,
        call=_publish,
    ),
    "status": Command(
        help="show what is queued, waiting, dead and running",
        description="Show what is queued, waiting, dead and running.",
        epilog=_STATUS,
        add_arguments=_add_status,
        call=_status,
    ),
}
