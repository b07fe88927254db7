"""`ebats validate`: its arguments and its help."""

import argparse
import os

from ebats.runner.commands.command import Command, add_file, environ

_VALIDATE = """\
examples:
  ebats validate shop.yaml
  ebats validate pipelines/                    every pipeline in a folder
  ebats validate --format sarif pipelines/     for code scanning
  ebats validate --stdin-filename shop.yaml - < shop.yaml
  ebats validate --deny-warnings shop.yaml     in CI
  ebats validate --no-import shop.yaml         where its Python packages aren't installed
  ebats validate --connect shop.yaml           where it is going to run, before it does

A file is looked at in three layers: its shape, which is all that a schema can say; its
links, how its parts fit together; its surroundings. Of those its Python functions are
imported, which runs their modules as a start does, in a process of its own: don't do it
with a file that you don't trust. With --connect its broker is asked, too: whether it is
there, lets the file's user in, has what is external and nothing that differs; and the
Elasticsearch of its sinks. Nothing is declared, sent or changed there.

Every problem is shown with file, line and column; `ebats explain EB103` tells more
about one. The exit code is 1 where a file has errors (with --deny-warnings also where
one has warnings), and 2 where one can't be read, or a folder has none.
"""


def _add_validate(parser: argparse.ArgumentParser) -> None:
    add_file(
        parser,
        nargs="+",
        text="a pipeline file; a folder, with all pipelines in it and below it; or `-`, standard input",
    )
    parser.add_argument(
        "--format",
        # Those of report.FORMATS, which isn't imported for a help.
        choices=("text", "json", "github", "sarif"),
        help="for people, for programs, as annotations of GitHub, as SARIF 2.1.0 (default: text;"
        " in a workflow of GitHub: github)",
    )
    parser.add_argument(
        "--stdin-filename", metavar="FILE", default="-", help="what `-`, standard input, is called"
    )
    parser.add_argument("--deny-warnings", action="store_true", help="exit with 1 where there are warnings")
    group = parser.add_argument_group("layers")
    group.add_argument(
        "--no-import", action="store_true", help="don't import the Python functions that the file names"
    )
    layers = group.add_mutually_exclusive_group()
    layers.add_argument(
        "--connect", action="store_true", help="ask the broker and Elasticsearch, too; nothing is changed"
    )
    layers.add_argument(
        "--no-links", action="store_true", help="check the shape alone: neither links nor surroundings"
    )


def _validate(arguments: argparse.Namespace) -> int:
    from ebats.pipelines.problems import BadFile
    from ebats.runner.commands import report, validate
    from ebats.runner.commands.say import say
    from ebats.runner.surroundings.check import looks

    imports = not arguments.no_import and not arguments.no_links
    asked = validate.Asked(
        deny_warnings=arguments.deny_warnings,
        with_links=not arguments.no_links,
        format=report.chosen(arguments.format, os.environ),
        stdin_filename=arguments.stdin_filename,
        layers=tuple(looks(say, imports=imports, connect=arguments.connect)),
    )
    try:
        variables = environ(arguments)
    except BadFile as error:
        return validate.refuse(arguments.env_file, error, asked)
    return validate.main(arguments.file, variables, asked)


COMMANDS = {
    "validate": Command(
        help="say all that is wrong with files",
        description="Say all that is wrong with files, before anything starts.",
        epilog=_VALIDATE,
        add_arguments=_add_validate,
        call=_validate,
    ),
}
