"""`ebats test`: its arguments and its help."""

import argparse

from ebats.runner.commands.command import Command, add_file, add_format, environ

_TEST = """\
examples:
  ebats test shop.yaml                       its own cases, and those of shop_test.yaml
  ebats test shop_test.yaml -k refused       of these, those with `refused` in their name
  ebats test pipelines --junit-xml out.xml   all pipelines of a folder, for CI

Nothing is connected to and nothing waits: a ladder of eight hours is tried in
milliseconds, on a clock of the case's own. Functions of yours run only where a
case says `real`.

The exit code is 0 where every case is as expected; 1 where one isn't, or where
there is none at all; 78 where a file has errors: then nothing is tried.
"""


def _add_test(parser: argparse.ArgumentParser) -> None:
    add_file(
        parser,
        nargs="+",
        text="a pipeline file; NAME_test.yaml beside one; or a folder, with all pipelines in it and below it",
    )
    parser.add_argument(
        "-k", dest="name", metavar="TEXT", default="", help="only cases with TEXT in their name"
    )
    parser.add_argument("--junit-xml", metavar="FILE", help="write the results as XML for CI, too")
    add_format(parser)


def _test(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import test
    from ebats.runner.commands.environ import merge

    asked = test.Asked(name=arguments.name, format=arguments.format, junit=arguments.junit_xml)
    given = merge({}, None, arguments.variables)
    return test.main(arguments.file, environ(arguments), given, asked)


COMMANDS = {
    "test": Command(
        help="try the cases of files, without a broker",
        description="Try the cases of files, without a broker and on a clock of their own.",
        epilog=_TEST,
        add_arguments=_add_test,
        call=_test,
    ),
}
