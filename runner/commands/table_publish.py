"""`ebats publish`: its arguments and its help."""

import argparse

from ebats.runner.commands.command import Command, add_file, add_wait, delay, environ

_LONGEST_ID = 255
_PUBLISH = """\
examples:
  ebats publish shop.yaml order_paid -d '{"order_id": 1}'
  ebats publish shop.yaml order_paid --file orders.jsonl
  zcat orders.jsonl.gz | ebats publish shop.yaml order_paid --file -
  ebats publish shop.yaml --task ship -d '{"order_id": 1}'
  ebats publish shop.yaml --exchange orders --key eu.paid -d '{"order_id": 1}'
  ebats publish shop.yaml order_paid --delay 37s --queue slow -d '{"order_id": 1}'

Each payload goes out as it stands. A message counts when the broker has confirmed it;
what was never declared is declared first, so this works before the first run.
"""


def _add_publish(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    parser.add_argument("event", metavar="EVENT", nargs="?", help="the event that happened")
    where = parser.add_argument_group("instead of an event")
    where.add_argument("--task", metavar="TASK", help="one task, whatever its events")
    where.add_argument("--exchange", metavar="NAME", help="an exchange of the file, or `events` or `tasks`")
    where.add_argument(
        "--key", metavar="KEY", help="the routing key, with --exchange or an event that is a pattern"
    )
    how = parser.add_argument_group("for an event or a task")
    how.add_argument(
        "--delay", metavar="DURATION", type=delay, default=0.0, help="run it later: 37s, 2h, 30d"
    )
    how.add_argument("--queue", metavar="QUEUE", help="run it from this queue, one that the file allows")
    what = parser.add_argument_group("what to publish").add_mutually_exclusive_group(required=True)
    what.add_argument("-d", "--data", metavar="JSON", help="one payload")
    what.add_argument(
        "--file", dest="lines", metavar="LINES", help="a file with one payload a line; - is standard input"
    )
    parser.add_argument(
        "--id", dest="message_id", metavar="ID", help="the message id, with -d (default: a new one)"
    )
    add_wait(parser)


def _publish(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import publish

    _check_publish(arguments)
    request = publish.Request(
        event=arguments.event,
        task=arguments.task,
        exchange=arguments.exchange,
        key=arguments.key,
        delay_s=arguments.delay,
        queue=arguments.queue,
        data=arguments.data,
        lines=arguments.lines,
        message_id=arguments.message_id,
        wait_s=arguments.wait,
    )
    return publish.main(arguments.file, environ(arguments), request)


def _check_publish(arguments: argparse.Namespace) -> None:
    """Refuse, as argparse does, what doesn't go together."""
    error = arguments.parser.error
    if sum(name is not None for name in (arguments.event, arguments.task, arguments.exchange)) != 1:
        error("name one of EVENT, --task and --exchange")
    if arguments.key is not None and arguments.task is not None:
        error("--key goes with an event or --exchange")
    if arguments.exchange is not None and (arguments.delay or arguments.queue is not None):
        error("--delay and --queue go with an event or --task")
    if arguments.message_id is not None and arguments.data is None:
        error("--id is for the one message of -d")
    if arguments.message_id is not None and not 0 < len(arguments.message_id.encode()) <= _LONGEST_ID:
        error(f"an --id has 1 to {_LONGEST_ID} bytes")


COMMANDS = {
    "publish": Command(
        help="publish messages",
        description="Publish an event, or a message for one task, and wait for the broker's confirm.",
        epilog=_PUBLISH,
        add_arguments=_add_publish,
        call=_publish,
    ),
}
