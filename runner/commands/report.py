"""How `ebats validate` tells what it found: for people, for GitHub, for programs."""

import sys
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from ebats.runner.commands.verdict import Verdict

Format = Literal["text", "json", "github", "sarif"]
FORMATS: tuple[Format, ...] = get_args(Format)


def chosen(given: Format | None, environ: Mapping[str, str]) -> Format:
    """Return the format that was asked for, else the one that suits where this runs."""
    if given is not None:
        return given
    # GitHub says so itself: docs.github.com, "Default environment variables".
    return "github" if environ.get("GITHUB_ACTIONS") == "true" else "text"


def write(form: Format, verdicts: Sequence[Verdict], environ: Mapping[str, str]) -> None:
    """Write what was found to standard output; as text, which files can't be read to standard error."""
    if form == "text":
        from ebats.runner.commands import report_text

        report_text.write(verdicts, sys.stdout, sys.stderr)
    elif form == "json":
        from ebats.runner.commands import report_json

        sys.stdout.write(report_json.text(verdicts, environ))
    elif form == "github":
        from ebats.runner.commands import report_github

        sys.stdout.write(report_github.text(verdicts, environ))
    else:
        from ebats.runner.commands import report_sarif

        sys.stdout.write(report_sarif.text(verdicts, environ))
