"""`ebats validate`: its arguments and its help."""

import argparse

from ebats.runner.commands.command import Command, add_file, environ

_VALIDATE = """\
examples:
  ebats validate shop.yaml
  ebats validate pipelines/*.yaml
  ebats validate --deny-warnings shop.yaml     in CI

Every problem is shown with file, line and column. The exit code is 1 where a file
has errors; warnings alone don't fail, but with --deny-warnings.
"""


def _add_validate(parser: argparse.ArgumentParser) -> None:
    add_file(parser, nargs="+")
    parser.add_argument("--deny-warnings", action="store_true", help="exit with 1 where there are warnings")


def _validate(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import validate

    asked = validate.Asked(deny_warnings=arguments.deny_warnings)
    return validate.main(arguments.file, environ(arguments), asked)


COMMANDS = {
    "validate": Command(
        help="say all that is wrong with files",
        description="Say all that is wrong with files; nothing is imported, and no broker is asked.",
        epilog=_VALIDATE,
        add_arguments=_add_validate,
        call=_validate,
    ),
}
