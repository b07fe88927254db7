"""`ebats export`: its arguments and its help."""

import argparse

from ebats.runner.commands.command import Command, add_file, environ

_EXPORT = """\
examples:
  ebats export kibana shop.yaml --output shop.ndjson
  ebats export kibana shop.yaml --import http://localhost:5601
  EBATS_KIBANA_API_KEY=... ebats export kibana shop.yaml --import https://kibana.example.com --space ops
"""
_KIBANA = """\
The objects are a data view, Discover sessions, panels and a dashboard, for Kibana 8.9 and later:
Stack Management > Saved Objects > Import takes the file. Imported again, they take the place of
those before.

For --import, the login comes from EBATS_KIBANA_API_KEY, or EBATS_KIBANA_USER and
EBATS_KIBANA_PASSWORD, unless an option names it: no secret has to be on the command line.
"""


def _add_export(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(title="what for", metavar="PROGRAM", required=True)
    one = commands.add_parser(
        "kibana",
        help="data view, searches and a dashboard for Kibana",
        description="Write what Kibana shows of a pipeline, or import it.",
        epilog=_KIBANA,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_kibana(one)
    one.set_defaults(call=_kibana, parser=one)


def _add_kibana(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    parser.add_argument("--sink", metavar="NAME", help="which elasticsearch sink, where there are several")
    parser.add_argument(
        "--output", metavar="FILE", help="where to; - is standard output, and the default without --import"
    )
    target = parser.add_argument_group("straight into a Kibana")
    target.add_argument("--import", dest="url", metavar="URL", help="its URL, with its base path if any")
    target.add_argument("--space", metavar="NAME", help="a space other than the default one")
    target.add_argument("--ca-certs", metavar="FILE", help="certificates to trust (default: the system's)")
    login = target.add_mutually_exclusive_group()
    login.add_argument("--api-key-file", metavar="FILE", help="a file with an API key")
    login.add_argument("--user", metavar="NAME", help="a user, with a password")
    target.add_argument("--password-file", metavar="FILE", help="a file with the password of the user")


def _export(arguments: argparse.Namespace) -> int:
    code: int = arguments.call(arguments)
    return code


def _kibana(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import export

    given = ("space", "ca_certs", "api_key_file", "user", "password_file")
    if arguments.url is None and any(getattr(arguments, name) is not None for name in given):
        arguments.parser.error("what says where Kibana is, and who asks it, goes with --import")
    if arguments.api_key_file is not None and arguments.password_file is not None:
        arguments.parser.error("--password-file goes with a user, not with an API key")
    login = export.Login(
        api_key_file=arguments.api_key_file, user=arguments.user, password_file=arguments.password_file
    )
    where = export.Destination(
        output=arguments.output,
        url=arguments.url,
        space=arguments.space,
        ca_certs=arguments.ca_certs,
        login=login,
    )
    return export.kibana(arguments.file, environ(arguments), arguments.sink, where)


COMMANDS = {
    "export": Command(
        help="write what other programs need, such as a dashboard for Kibana",
        description="Write what other programs need to show a pipeline.",
        epilog=_EXPORT,
        add_arguments=_add_export,
        call=_export,
    ),
}
