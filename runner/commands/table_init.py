"""`ebats init`: its arguments and its help."""

import argparse

from ebats.runner.commands.command import Command

#: By name, what each is for.
TEMPLATES = {
    "minimal": "an event, a Python task with retries",
    "payments": "HTTP callbacks to merchants until they say success, and what follows when they never do",
}
_INIT = """\
examples:
  ebats init shop
  ebats init shop --template payments
  ebats init                                   in this folder

templates:
""" + "".join(f"  {name:<10} {text}\n" for name, text in TEMPLATES.items())


def _add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", default=".", help="where to (default: the current folder)"
    )
    parser.add_argument(
        "--template", metavar="NAME", choices=tuple(TEMPLATES), default="minimal", help="one of those below"
    )


def _init(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import init

    return init.main(arguments.folder, arguments.template)


COMMANDS = {
    "init": Command(
        help="make a pipeline to begin with",
        description="Fill a folder with a pipeline that works: file, tasks, tests. Nothing is overwritten.",
        epilog=_INIT,
        add_arguments=_add_init,
        call=_init,
    ),
}
