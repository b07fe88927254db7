"""`ebats dead`: its arguments and their help."""

import argparse
import time
from typing import TYPE_CHECKING

from ebats.runner.commands.command import (
    Command,
    Subcommand,
    add_commands,
    add_file,
    add_format,
    add_wait,
    count,
    environ,
)

if TYPE_CHECKING:
    from ebats.runner.commands.dead import Search

_DEAD = """\
examples:
  ebats dead list shop.yaml --task ship --since 2h
  ebats dead show shop.yaml 5f0c2b7e
  ebats dead retry shop.yaml --task ship --reason exhausted
  ebats dead retry shop.yaml --all --dry-run        what would be published, and to where not
  ebats dead drop shop.yaml --older-than 30d
  ebats dead export shop.yaml --output dead.jsonl

`retry` publishes a letter's untouched body to its task again, at attempt 1, and takes the letter
out when that is confirmed, one after another: a `retry` that is killed repeats one message at
most, and loses none. Letters of the broker itself go where the file now wants them; what it has
no place for stays. `ebats dead COMMAND --help` tells more about each.
"""
_LIST = """\
examples:
  ebats dead list shop.yaml
  ebats dead list shop.yaml --task ship --task bill --since 2h
  ebats dead list shop.yaml --reason exhausted --limit 10 --format json
"""
_SHOW = """\
examples:
  ebats dead show shop.yaml 5f0c2b7e       payload, reason, error, traceback
"""
_RETRY = """\
examples:
  ebats dead retry shop.yaml --id 5f0c2b7e
  ebats dead retry shop.yaml --task ship --since 2h --dry-run
  ebats dead retry shop.yaml --all
"""
_DROP = """\
examples:
  ebats dead drop shop.yaml --older-than 30d
  ebats dead drop shop.yaml --task ship --reason schema --yes
"""
_EXPORT = """\
examples:
  ebats dead export shop.yaml --output dead.jsonl
  ebats dead export shop.yaml --task ship | jq .error
"""
_FILTERS = """\
--task, --event, --reason and --id may be repeated: one of them has to fit. Times are UTC.
"""


def _add_dead(parser: argparse.ArgumentParser) -> None:
    add_commands(
        parser,
        (
            Subcommand(
                name="list",
                help="show dead letters, the last at the end",
                examples=_LIST,
                add_arguments=_add_list,
                call=_list,
            ),
            Subcommand(
                name="show",
                help="show everything of the dead letters of one id",
                examples=_SHOW,
                add_arguments=_add_show,
                call=_show,
            ),
            Subcommand(
                name="retry",
                help="publish dead letters to their tasks again",
                examples=_RETRY,
                add_arguments=_add_retry,
                call=_retry,
            ),
            Subcommand(
                name="drop",
                help="delete dead letters, after asking",
                examples=_DROP,
                add_arguments=_add_drop,
                call=_drop,
            ),
            Subcommand(
                name="export",
                help="write dead letters out as lines of JSON; they stay",
                examples=_EXPORT,
                add_arguments=_add_export,
                call=_export,
            ),
        ),
    )


def _dead(arguments: argparse.Namespace) -> int:
    code: int = arguments.call(arguments)
    return code


def _add_list(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    _add_filters(parser)
    add_format(parser)
    add_wait(parser)


def _add_show(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    parser.add_argument("id", metavar="ID", help="the message id; the tasks of an event share it")
    add_format(parser)
    add_wait(parser)


def _add_retry(parser: argparse.ArgumentParser) -> None:
    _add_list(parser)
    parser.add_argument("--all", action="store_true", help="all of them; needed where nothing else is said")
    parser.add_argument("--dry-run", action="store_true", help="say what would happen")


def _add_drop(parser: argparse.ArgumentParser) -> None:
    _add_retry(parser)
    parser.add_argument("--yes", action="store_true", help="don't ask")


def _add_export(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    _add_filters(parser)
    parser.add_argument(
        "--output", metavar="FILE", default="-", help="where to; - is standard output, and the default"
    )
    add_wait(parser)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which letters", _FILTERS)
    for name in ("task", "event", "reason", "id"):
        group.add_argument(f"--{name}", metavar=name.upper(), action="append", default=[])
    group.add_argument(
        "--since", metavar="TIME", type=_moment, help="died since: 2h ago, or 2026-01-31T12:00:00Z"
    )
    group.add_argument(
        "--older-than", metavar="TIME", type=_moment, help="died before that: 7d ago, or a time"
    )
    group.add_argument("--limit", metavar="N", type=count, help="at most so many, the first in the queue")


def _moment(text: str) -> float:
    from ebats.runner.commands.selection import moment

    try:
        return moment(text, time.time)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _search(arguments: argparse.Namespace) -> "Search":
    from ebats.runner.commands.dead import Search
    from ebats.runner.commands.selection import Selection

    selection = Selection(
        tasks=frozenset(arguments.task),
        events=frozenset(arguments.event),
        reasons=frozenset(arguments.reason),
        ids=frozenset(arguments.id),
        since=arguments.since,
        before=arguments.older_than,
        limit=arguments.limit,
    )
    return Search(
        file=arguments.file,
        environ=environ(arguments),
        selection=selection,
        format=getattr(arguments, "format", "text"),
        wait_s=arguments.wait,
    )


def _meant(arguments: argparse.Namespace) -> "Search":
    """Return the search; refuse, as argparse does, to take all letters where nobody says so."""
    search = _search(arguments)
    if search.selection.is_all() and not arguments.all:
        arguments.parser.error("say which letters, such as --task TASK; or --all")
    if arguments.all and not search.selection.is_all():
        arguments.parser.error("--all doesn't go with what says which letters")
    return search


def _list(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import dead

    return dead.list_(_search(arguments))


def _show(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import dead
    from ebats.runner.commands.selection import Selection

    search = dead.Search(
        file=arguments.file,
        environ=environ(arguments),
        selection=Selection(ids=frozenset([arguments.id])),
        format=arguments.format,
        wait_s=arguments.wait,
    )
    return dead.show(search, arguments.id)


def _retry(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import revive

    return revive.retry(_meant(arguments), dry_run=arguments.dry_run)


def _drop(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import revive

    return revive.drop(_meant(arguments), dry_run=arguments.dry_run, yes=arguments.yes)


def _export(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import dead

    return dead.export(_search(arguments), arguments.output)


COMMANDS = {
    "dead": Command(
        help="look at dead letters, and give them another chance",
        description="Look at dead letters, give them another chance, or delete them.",
        epilog=_DEAD,
        add_arguments=_add_dead,
        call=_dead,
    ),
}
