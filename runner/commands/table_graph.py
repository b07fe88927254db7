"""`ebats graph`: its arguments and its help."""

import argparse

from ebats.runner.commands.command import Command, add_file, environ

_GRAPH = """\
examples:
  ebats graph shop.yaml -o shop.svg                a picture: open it in a browser
  ebats graph shop.yaml                            Mermaid: GitHub draws it in ```mermaid
  ebats graph shop.yaml --only ship                a task, what leads to it and what follows
  ebats graph shop.yaml --format dot | dot -Tpng -o shop.png
  ebats graph shop.yaml --format json | jq .nodes

Shows producers, exchanges, events, queues, tasks, ladders and dead letters, and the ways of
messages between them. No secret is in it: of URLs, the host. Nothing is run, and no broker
is asked.
"""


def _add_graph(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    parser.add_argument(
        "--format",
        choices=("mermaid", "dot", "svg", "json"),
        help="default: what the ending of --output says, else mermaid",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="where to; - is standard output, the default")
    parser.add_argument(
        "--only",
        metavar="NAME",
        nargs="+",
        action="extend",
        default=[],
        help="tasks, events, queues, exchanges, producers, consumers or ladders: "
        "these, what leads to them and what follows; may be repeated",
    )


def _graph(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import graph

    return graph.main(
        arguments.file,
        environ(arguments),
        format_=arguments.format,
        output=arguments.output,
        names=arguments.only,
    )


COMMANDS = {
    "graph": Command(
        help="draw what a file describes: SVG, Mermaid, DOT",
        description="Draw what a file describes.",
        epilog=_GRAPH,
        add_arguments=_add_graph,
        call=_graph,
    ),
}
