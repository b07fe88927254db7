"""`ebats config FILE`: the file as it is understood, with its variables filled in; or which it uses."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ebats.pipelines import disk, dotenv
from ebats.pipelines.load import read
from ebats.pipelines.masked import masked, shown_default
from ebats.pipelines.mentions import Mention, in_file
from ebats.pipelines.problems import BadFile, Place, UnreadableFile, UsageError
from ebats.pipelines.written import written
from ebats.pipelines.yaml_nodes import UnusableError
from ebats.runner.commands.clocks import examine
from ebats.runner.commands.columns import columns
from ebats.runner.commands.say import say


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of `ebats config` can be chosen."""

    #: `yaml` or `json`; for the variables `json`, or else a table.
    format: str = "yaml"
    show_secrets: bool = False
    quiet: bool = False
    #: A file, in place of standard output.
    output: str | None = None


def main(file: str, environ: Mapping[str, str], asked: Asked) -> int:
    """Print the resolved file; return 0.

    Raises:
        BadFile: the file has errors.
        UnreadableFile: it can't be read, or what is to be written can't be.
        UsageError: it would be written over itself.
    """
    source = examine(file, environ).source
    if asked.quiet:
        return 0
    if source.included:
        text = "modules of included files are looked for in their folders, which a resolved file can't name"
        say("warning", f"{text}: put those on PYTHONPATH where you run it")
    data = written(source)
    _write(_rendered(data if asked.show_secrets else masked(source, data), asked.format), file, asked)
    return 0


def variables(file: str, environ: Mapping[str, str], asked: Asked) -> int:
    """Print the variables that a file mentions, and whether they are set; return 0.

    The file needn't be good for that: it may be what an unset one is missing for.

    Raises:
        BadFile: the file is no YAML.
        UnreadableFile: it can't be read.
    """
    found = list(_used(file, environ))
    if asked.format == "json":
        text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    else:
        text = columns(("NAME", "REQUIRED", "DEFAULT", "ALTERNATE", "SET", "AT"), map(_cells, found))
    if not asked.quiet:
        _write(text, file, asked)
    return 0


def _used(file: str, environ: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    environ = dotenv.beside(Path(file).parent, environ)[0] if _has_dotenv(file) else environ
    for path, place, mention in _mentioned(file, environ):
        yield {
            "name": mention.name,
            "kind": mention.kind,
            "required": mention.required,
            "default": None if mention.default is None else shown_default(path, mention.default),
            "alternate": None if mention.alternate is None else shown_default(path, mention.alternate),
            "set": _is_set(mention, place, environ),
            "at": str(place),
        }


def _has_dotenv(file: str) -> bool:
    return disk.is_file(Path(file).parent / dotenv.NAME)


def _mentioned(file: str, environ: Mapping[str, str]) -> Iterator[tuple[Any, Place, Mention]]:
    source, _ = read(file, _content(file), environ)
    places = source.values.values() if source else ()
    for each in dict.fromkeys((file, *(place.file for place in places))):
        try:
            yield from in_file(each, _content(each))
        except UnusableError as error:
            raise BadFile((error.problem,)) from None


def _content(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UnreadableFile(f"can't read {file}: {error.strerror}") from error


def _is_set(mention: Mention, place: Place, environ: Mapping[str, str]) -> bool:
    if mention.kind == "file":
        return "$" in mention.name or disk.is_file(Path(place.file).parent / mention.name)
    if mention.name in environ:
        return True
    # An included file may have a `.env` of its own.
    return _has_dotenv(place.file) and mention.name in dotenv.beside(Path(place.file).parent, environ)[0]


def _cells(found: Mapping[str, Any]) -> Iterable[str]:
    name = f"file:{found['name']}" if found["kind"] == "file" else found["name"]
    default, alternate = (("" if found[key] is None else found[key]) for key in ("default", "alternate"))
    return name, _yes(found["required"]), default, alternate, _yes(found["set"]), found["at"]


def _yes(value: object) -> str:
    return "yes" if value else "no"


def _rendered(data: Any, format_: str) -> str:
    if format_ == "json":
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    from ebats.pipelines.yaml_text import dump

    return dump(data)


def _write(text: str, file: str, asked: Asked) -> None:
    if asked.output is None:
        sys.stdout.write(text)
        return
    target = Path(asked.output)
    if target.exists() and target.samefile(file):
        raise UsageError("-o would write the file over itself, without its comments and its variables")
    try:
        # Its secrets are nobody else's.
        mode = 0o600 if asked.show_secrets else 0o666
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as out:
            out.write(text.encode())
    except OSError as error:
        raise UnreadableFile(f"can't write {target}: {error.strerror}") from error
