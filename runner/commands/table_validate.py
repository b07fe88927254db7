"""`ebats validate`: its arguments and its help."""

import argparse

from ebats.runner.commands.command import Command, add_file, environ

_VALIDATE = """\
examples:
  ebats validate shop.yaml
  ebats validate pipelines/*.yaml
  ebats validate --deny-warnings shop.yaml     in CI
  ebats validate --no-import shop.yaml         where its Python packages aren't installed

A file is looked at in three layers: its shape, which is all that a schema can say; its
links, how its parts fit together; its surroundings, which for now means that its Python
functions can be imported. That runs their modules, as a start does, in a process of its
own, so don't do it with a file that you don't trust.

Every problem is shown with file, line and column. The exit code is 1 where a file
has errors; warnings alone don't fail, but with --deny-warnings.
"""


def _add_validate(parser: argparse.ArgumentParser) -> None:
    add_file(parser, nargs="+")
    parser.add_argument("--deny-warnings", action="store_true", help="exit with 1 where there are warnings")
    group = parser.add_argument_group("layers to leave out")
    group.add_argument(
        "--no-import", action="store_true", help="don't import the Python functions that the file names"
    )
    group.add_argument(
        "--no-links", action="store_true", help="check the shape alone: neither links nor surroundings"
    )


def _validate(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import validate
    from ebats.runner.commands.say import say
    from ebats.runner.surroundings.check import looks

    imports = not arguments.no_import and not arguments.no_links
    asked = validate.Asked(
        deny_warnings=arguments.deny_warnings,
        with_links=not arguments.no_links,
        layers=tuple(looks(say, imports=imports)),
    )
    return validate.main(arguments.file, environ(arguments), asked)


COMMANDS = {
    "validate": Command(
        help="say all that is wrong with files",
        description="Say all that is wrong with files, before anything starts.",
        epilog=_VALIDATE,
        add_arguments=_add_validate,
        call=_validate,
    ),
}
