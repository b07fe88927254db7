"""`ebats config`, `ebats list` and `ebats schema`: their arguments and their help."""

import argparse

from ebats.runner.commands.command import Command, add_file, add_format, environ

_CONFIG = """\
examples:
  ebats config shop.yaml
  ebats config shop.yaml --format json
  ebats config shop.yaml -q                      only check it
  ebats config shop.yaml --variables             which variables it uses, and which are set
  ebats config shop.yaml --show-secrets -o resolved.yaml

Prints the file as it is understood: variables filled in, included files and anchors put
in place, in the order of the file. Secrets are `***`. With --show-secrets it is a file
that means the same. Relative paths and Python modules are still looked up from the folder
of FILE, so keep it there.
"""


_LIST = """\
examples:
  ebats list tasks shop.yaml
  ebats list events shop.yaml --format json
  ebats list queues shop.yaml

Shows what is in a file: exchanges, queues, ladders, tasks, events, producers, consumers,
sinks, rules or channels. No broker is asked; `ebats status` shows what is in the queues.
"""
_SCHEMA = """\
examples:
  ebats schema -o pipeline.v1.json
  ebats schema | jq .properties

Prints the JSON Schema of pipeline files, of draft 2020-12. An editor that speaks YAML completes
and checks a file that begins with

  # yaml-language-server: $schema=pipeline.v1.json
"""
#: `ebats.runner.commands.listing` has one function for each; it isn't imported for the help.
SECTIONS = (
    *("exchanges", "queues", "ladders", "tasks", "events"),
    *("producers", "consumers", "sinks", "rules", "channels"),
)


def _add_config(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    parser.add_argument("--format", choices=("yaml", "json"), default="yaml", help="default: yaml")
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing, only check the file")
    parser.add_argument(
        "--show-secrets", action="store_true", help="print passwords and the like as they are"
    )
    parser.add_argument(
        "--variables",
        dest="only_variables",
        action="store_true",
        help="print the variables that the file uses, and where",
    )
    parser.add_argument("-o", "--output", metavar="OUT", help="write to a file")


def _config(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import config

    asked = config.Asked(
        format=arguments.format,
        show_secrets=arguments.show_secrets,
        quiet=arguments.quiet,
        output=arguments.output,
    )
    if arguments.only_variables:
        return config.variables(arguments.file, environ(arguments), asked)
    return config.main(arguments.file, environ(arguments), asked)


def _add_list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("section", metavar="SECTION", choices=SECTIONS, help=", ".join(SECTIONS))
    add_file(parser)
    add_format(parser)


def _list(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import list_file

    return list_file.main(arguments.section, arguments.file, environ(arguments), arguments.format)


def _add_schema(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="OUT", help="write to a file")


def _schema(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import schema_file

    return schema_file.main(arguments.output)


COMMANDS = {
    "config": Command(
        help="print a file as it is understood",
        description="Print a file as it is understood: resolved, and without secrets.",
        epilog=_CONFIG,
        add_arguments=_add_config,
        call=_config,
    ),
    "list": Command(
        help="list a file's tasks, events, queues ...",
        description="List what is in a section of a file, with all that follows from its other sections.",
        epilog=_LIST,
        add_arguments=_add_list,
        call=_list,
    ),
    "schema": Command(
        help="print the JSON Schema of pipeline files",
        description="Print the JSON Schema of pipeline files, for editors.",
        epilog=_SCHEMA,
        add_arguments=_add_schema,
        call=_schema,
    ),
}
