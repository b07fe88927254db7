"""`ebats explain`: its arguments and its help."""

import argparse

from ebats.runner.commands.command import Command, add_format

_EXPLAIN = """\
examples:
  ebats explain                what can be wrong with a file, a line each
  ebats explain EB103          one of them, with an example
  ebats explain unknown-key    the same
"""


def _add_explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "rules", metavar="ID", nargs="*", help="a problem's id or its name; all where none is"
    )
    add_format(parser)


def _explain(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import explain

    as_json = arguments.format == "json"
    if not arguments.rules:
        return explain.list_(as_json=as_json)
    return explain.explain(arguments.rules, as_json=as_json)


COMMANDS = {
    "explain": Command(
        help="tell what a problem of a file means",
        description="Tell what a problem of a file means, how it is mended, and show a file that has it.",
        epilog=_EXPLAIN,
        add_arguments=_add_explain,
        call=_explain,
    ),
}
