"""`ebats logs`: its arguments and its help."""

import argparse

from ebats.runner.commands.command import Command, add_file, environ

_LOGS = """\
examples:
  ebats logs shop.yaml --setup

--setup makes Elasticsearch ready, as every run does that may: the index template of the sink's
data stream, and how long the stream keeps its documents. It needs the cluster privilege
manage_index_templates, and manage_data_stream_lifecycle on the data stream where that is there
already; then the key that the runs use needs create_doc and auto_configure alone.
"""


def _add_logs(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    parser.add_argument("--sink", metavar="NAME", help="which sink (default: all that it can be)")
    parser.add_argument(
        "--setup",
        action="store_true",
        help="make Elasticsearch ready: index template and retention",
    )


def _logs(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import logs

    return logs.set_up(arguments.file, environ(arguments), arguments.sink)


COMMANDS = {
    "logs": Command(
        help="make Elasticsearch ready for records",
        description="Make Elasticsearch ready for records.",
        epilog=_LOGS,
        add_arguments=_add_logs,
        call=_logs,
    ),
}
