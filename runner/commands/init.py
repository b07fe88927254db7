"""`ebats init`: a folder with a pipeline that works, to begin with."""

import re
import shlex
import sys
from importlib.resources import files
from pathlib import Path

from ebats.pipelines import disk
from ebats.pipelines.problems import EbatsError

#: What is published first, by template: the event and its payload.
FIRST = {
    "minimal": ("signed_up", '{"email": "ada@example.com"}'),
    "payments": (
        "order_paid",
        '{"order_id": "FB1", "amount": 100, "notify_url": "http://127.0.0.1:9600/fails/2"}',
    ),
}
#: What templates are called inside; the folder's name takes its place.
_NAME = "my-shop"
_SCHEMA = "pipeline.v1.json"
#: The file has another name in a template, where git would heed it.
_RENAMED = {"gitignore": ".gitignore"}
_LONGEST_NAME = 64


class NotMade(EbatsError):
    """Raised when the folder for a pipeline can't be filled."""


def main(folder: str, template: str) -> int:
    """Fill a folder, made where it is missing, with a template; return 0.

    Raises:
        NotMade: one of the files is there already, or can't be written; the first leaves all as it was.
    """
    target = Path(folder)
    contents = _contents(template, _name_for(target))
    if disk.is_file(target):
        raise NotMade(f"{target} is a file; choose another folder")
    try:
        there = [name for name in contents if (target / name).exists()]
        if there:
            found = ", ".join(there)
            raise NotMade(f"nothing is overwritten, and {target} has {found}; choose another folder")
        target.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            with (target / name).open("xb") as file:
                file.write(content)
    except OSError as error:
        raise NotMade(f"can't write {error.filename}: {error.strerror}") from error
    sys.stdout.write(_told(target, template, list(contents)))
    return 0


def _contents(template: str, name: str) -> dict[str, bytes]:
    """Return the files of a project, by name."""
    package = files("ebats.runner").joinpath("templates", template)
    found = {
        _RENAMED.get(entry.name, entry.name): entry.read_bytes().replace(_NAME.encode(), name.encode())
        for entry in sorted(package.iterdir(), key=lambda entry: entry.name)
        if entry.is_file()
    }
    return found | {_SCHEMA: files("ebats.schemas").joinpath(_SCHEMA).read_bytes()}


def _name_for(folder: Path) -> str:
    """Return what a pipeline in this folder is called: as the folder is, if that can be a name."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", folder.resolve().name).lstrip("-_0123456789").rstrip("-")
    return name[:_LONGEST_NAME] if name not in ("", "amq") else _NAME


def _told(target: Path, template: str, names: list[str]) -> str:
    event, payload = FIRST[template]
    steps = [] if target.resolve() == Path.cwd() else [f"cd {shlex.quote(str(target))}"]
    steps += ["ebats test pipeline.yaml"]
    if template == "payments":
        steps += ["python merchant.py &"]
    steps += [f"ebats publish pipeline.yaml {event} -d '{payload}'", "ebats run pipeline.yaml --until-idle"]
    lines = [f"{target} has {', '.join(names)}. Now:", "", *(f"  {step}" for step in steps), ""]
    return "\n".join(lines)
