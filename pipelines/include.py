"""The files that a file includes: read, and merged with it as if all were one."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path as File

from ebats.pipelines import disk, dotenv, entry_points, rules
from ebats.pipelines.merge import Merger
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import Place, Problem
from ebats.pipelines.rules import Rule
from ebats.pipelines.secrets import HIDDEN, shown
from ebats.pipelines.source import MOST_BYTES, Budget, Path, Source, parse

_MOST_FILES = 100
_DEEPEST = 10


def expand(source: Source, environ: Mapping[str, str], budget: Budget) -> tuple[Source | None, list[Problem]]:
    """Return a source with those that its `include` names, theirs too, merged into it; and what is wrong.

    `environ` are the variables of the file. An included one is filled in with those of the file that includes
    it, and with those of a `.env` in its own folder for what they lack. None: a file is missing, so that
    nothing can be said about how the names fit together.
    """
    reader = _Reader(source, budget)
    reader.follow(source, environ, (File(source.file),))
    return (None if reader.lacks else reader.merger.merged()), [*reader.problems, *reader.merger.problems]


def ambiguous_modules(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield a problem for each function whose module is in the folders of several files.

    A process of Python has one module of a name, so one of the files would get the other's function.
    """
    for use in entry_points.uses(pipeline):
        name = use.entry.module.partition(".")[0]
        found = [
            os.path.relpath(path, pipeline.folder)
            for folder in pipeline.folders
            for path in (File(folder, f"{name}.py"), File(folder, name, "__init__.py"))
            if disk.is_file(path)
        ]
        if name and len(found) > 1 and File(found[0]).parent != File(found[1]).parent:
            text = f"the module `{name}` is there twice: {found[0]} and {found[1]}"
            hint = "rename one: a process has one module of a name"
            yield Problem(place=use.entry.place, rule=rules.AMBIGUOUS_MODULE, text=text, hint=hint)


class _Reader:
    """Goes from file to file."""

    def __init__(self, root: Source, budget: Budget) -> None:
        self.merger = Merger(root)
        self.problems: list[Problem] = []
        #: Whether a file couldn't be read.
        self.lacks = False
        self._budget = budget
        #: Where each file was included; the first one wasn't.
        self._seen: dict[str, Place | None] = {_real(File(root.file)): None}

    def follow(self, source: Source, environ: Mapping[str, str], chain: tuple[File, ...]) -> None:
        """Read and merge what a source includes; `chain` are the files from the first one to this."""
        # A name that couldn't be filled in is a file that is missing.
        self.lacks |= any(path[:1] == ("include",) for path in source.broken)
        for path, name in _names(source):
            file = File(source.file).parent / name
            place = source.place(path)
            name = HIDDEN if path in source.secrets else name  # noqa: PLW2901
            if not self._may_follow(_real(file), name, place, chain):
                continue
            self._seen[_real(file)] = place
            variables = self._variables(file, chain, environ)
            included = self._read(file, name, place, variables)
            if included is None:
                self.lacks = True
            else:
                self.merger.add(included)
                self.follow(included, variables, (*chain, file))

    def _may_follow(self, real: str, name: str, place: Place, chain: tuple[File, ...]) -> bool:
        files = [_real(each) for each in chain]
        if real in files:
            way = " → ".join(os.path.relpath(each, File(files[0]).parent) for each in (*files, real))
            self._problem(rules.INCLUDE_CIRCLE, place, f"the files include each other: {way}", "take one out")
        elif real in self._seen:
            first = self._seen[real]
            hint = f"take one out; the first is at {first}"
            self._problem(rules.INCLUDED_TWICE, place, f"`{shown(name)}` is included twice", hint)
        elif len(chain) > _DEEPEST:
            text = f"files include each other more than {_DEEPEST} deep"
            self._problem(rules.TOO_MANY_FILES, place, text, "include it further up")
        elif len(self._seen) > _MOST_FILES:
            text = f"more than {_MOST_FILES} files are included"
            self._problem(rules.TOO_MANY_FILES, place, text, "put some of them together")
        else:
            return True
        return False

    def _variables(
        self, file: File, chain: tuple[File, ...], environ: Mapping[str, str]
    ) -> Mapping[str, str]:
        # Of a link it is the folder that the link stands in, as for all its paths.
        if _real(file.parent) in {_real(each.parent) for each in chain}:
            return environ
        # `--env-file` stands for the first file's `.env` only, as in compose.
        found, problems = dotenv.beside(file.parent, dict(environ))
        self.problems += problems
        return found

    def _read(self, file: File, name: str, place: Place, environ: Mapping[str, str]) -> Source | None:
        hint = "write its path, from the folder of this file"
        if "://" in name:
            self._unreadable(name, place, "it is a URL", "fetch it, and name the file")
            return None
        try:
            # What is no file may never end.
            if file.exists() and not file.is_file():
                self._unreadable(name, place, "it is no file", "name each file of a folder")
                return None
            with file.open("rb") as opened:
                content = opened.read(MOST_BYTES + 1)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no path"
            self._unreadable(name, place, str(why), hint)
            return None
        source, problems = parse(str(file), content, environ, self._budget)
        self.problems += problems
        if isinstance(source.data, dict):
            return replace(source, included=(source.folder(),))
        if source.data is not None:
            text = f"`{shown(name)}` holds no mapping, as every pipeline file does"
            self._problem(
                rules.WRONG_TYPE, place, text, "name a file that begins with `tasks:`, for instance"
            )
        elif not problems:
            self._problem(rules.EMPTY_FILE, source.place(()), "the file is empty", "take it out of `include`")
        return None

    def _unreadable(self, name: str, place: Place, why: str, hint: str) -> None:
        self._problem(rules.UNREADABLE_INCLUDE, place, f"`{shown(name)}` can't be read: {why}", hint)

    def _problem(self, rule: Rule, place: Place, text: str, hint: str) -> None:
        self.problems.append(Problem(place=place, rule=rule, text=text, hint=hint))


def _names(source: Source) -> Iterator[tuple[Path, str]]:
    """Yield the files that a source includes; what is none of them is the schema's to tell."""
    written = source.data.get("include")
    found: list[tuple[Path, object]] = [(("include",), written)]
    if isinstance(written, list):
        found = [(("include", index), each) for index, each in enumerate(written)]
    for path, name in found:
        if isinstance(name, str) and not source.is_broken(path):
            yield path, name


def _real(file: File) -> str:
    """Return a file's one name; that of one that can't be looked up is as good as any."""
    try:
        return os.path.realpath(file)
    except (OSError, ValueError):
        return str(file)
