"""`ebats logs`: its arguments and its help."""

import argparse

from ebats.runner.commands.command import Command, add_file, count, environ

_LOGS = """\
examples:
  ebats logs shop.yaml                              the newest 100 records
  ebats logs shop.yaml --label order=FB138          every attempt of this order
  ebats logs shop.yaml --id 5f0c2b7e                a message's whole life, attempt by attempt
  ebats logs shop.yaml --outcome dead --since 2h
  ebats logs shop.yaml --task ship --since 14:05 --until 14:10
  ebats logs shop.yaml --level warning --follow
  ebats logs shop.yaml --setup

Records come from the file's first elasticsearch sink; without one, from its first file sink, with
what that was rotated to. --task, --event, --outcome and --id may be repeated: one of them has to
fit; and --label: of each name one value has to. A TIME is how long ago, such as 15m or 2h, or
2026-11-23T14:05, or the last 14:05, in the file's time zone. What is printed is in UTC.

--setup makes Elasticsearch ready, as every run does that may: the index template of the sink's
data stream, and how long the stream keeps its documents. It needs the cluster privilege
manage_index_templates, and manage_data_stream_lifecycle on the data stream where that is there
already; then the key that the runs use needs create_doc and auto_configure alone. Finding needs
the privilege read.
"""
_ALL = "all"
# Written out: what has them is slow to import, and the help of all commands needs them.
OUTCOMES = ("success", "retry", "postponed", "dead")
LEVELS = ("debug", "info", "warning", "error")


def _add_logs(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    parser.add_argument("--sink", metavar="NAME", help="which sink (default: the first that keeps records)")
    group = parser.add_argument_group("which records")
    for name in ("task", "event"):
        group.add_argument(f"--{name}", metavar=name.upper(), action="append", default=[])
    group.add_argument("--outcome", choices=OUTCOMES, action="append", default=[], help="of an attempt")
    group.add_argument(
        "--id", metavar="ID", action="append", default=[], help="everything about a message, in detail"
    )
    group.add_argument(
        "--label",
        metavar="NAME=VALUE",
        type=_label,
        action="append",
        default=[],
        help="a label of the message's event, such as order=FB138",
    )
    group.add_argument("--since", metavar="TIME", help="of this time, or later")
    group.add_argument("--until", metavar="TIME", help="before this time")
    group.add_argument("--level", choices=LEVELS, help="this serious, or more")
    group.add_argument(
        "--limit",
        metavar="N",
        type=_limit,
        help=f"at most so many, the newest, or `{_ALL}` (default: 100, with --id all)",
    )
    parser.add_argument("--follow", action="store_true", help="go on with what comes, until Ctrl-C")
    parser.add_argument(
        "--format",
        choices=("text", "json", "ecs"),
        default="text",
        help="for people, as JSON lines, or as documents of the Elastic Common Schema",
    )
    parser.add_argument(
        "--setup",
        action="store_true",
        help="find nothing; make Elasticsearch ready: index template and retention",
    )


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is no label: write NAME=VALUE, such as order=FB138")
    return name, value


def _limit(text: str) -> int:
    """Return the number; 0: all."""
    if text == _ALL:
        return 0
    try:
        return count(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number from 1 nor `{_ALL}`") from None


def _logs(arguments: argparse.Namespace) -> int:
    if arguments.setup:
        from ebats.runner.commands import logs

        return logs.set_up(arguments.file, environ(arguments), arguments.sink)
    from ebats.runner.commands import find_logs

    return find_logs.find(
        find_logs.Question(
            file=arguments.file,
            environ=environ(arguments),
            sink=arguments.sink,
            tasks=tuple(arguments.task),
            events=tuple(arguments.event),
            outcomes=tuple(arguments.outcome),
            ids=tuple(arguments.id),
            labels=tuple(arguments.label),
            since=arguments.since,
            until=arguments.until,
            level=arguments.level,
            limit=arguments.limit,
            follow=arguments.follow,
            format=arguments.format,
        )
    )


COMMANDS = {
    "logs": Command(
        help="find records: what ran, how it went, and why not",
        description="Find records where a sink keeps them, in Elasticsearch or in log files.",
        epilog=_LOGS,
        add_arguments=_add_logs,
        call=_logs,
    ),
}
