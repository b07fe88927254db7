"""What leads from a report elsewhere to a problem: its file in the repository, the page that explains it."""

from collections.abc import Mapping
from pathlib import Path

from ebats.pipelines.explanations import anchor
from ebats.pipelines.rules import Rule


def link(rule: Rule, environ: Mapping[str, str]) -> str:
    """Return the URL of a rule's section on the page of all problems.

    `EBATS_DOCS_URL` says where the folder `docs` is published; without it the link is a name (RFC 8141),
    which leads nowhere, but stays the same.
    """
    docs = environ.get("EBATS_DOCS_URL", "").rstrip("/")
    return f"{docs}/problems.md#{anchor(rule)}" if docs else f"urn:ebats:problems:{rule.id}"


def from_root(file: str, environ: Mapping[str, str]) -> str:
    """Return a file's path relative to the root of what is checked, with slashes, as GitHub wants it.

    The root is the checked-out repository in a GitHub workflow, else the working folder. A file that isn't
    below it keeps its absolute path.
    """
    root = Path(environ.get("GITHUB_WORKSPACE") or ".").resolve()
    path = Path(file).resolve()
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
