"""The files whose cases are tried: pipelines, the files of cases beside them, and folders of both."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ebats.pipelines import disk, dotenv
from ebats.pipelines.cases import Case
from ebats.pipelines.cases_file import CasesFile, beside, cases_of, is_cases_file, open_cases
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import BadFile, Problem, UnreadableFile
from ebats.runner.commands.clocks import examine
from ebats.runner.commands.pipeline_files import expand


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """A pipeline and the cases about it."""

    #: As it was named.
    file: str
    pipeline: Pipeline
    cases: tuple[Case, ...]

    def named(self, text: str) -> "Cases":
        """Return this with the cases alone that have a text in their name, in letters of any case."""
        wanted = text.casefold()
        return replace(self, cases=tuple(case for case in self.cases if wanted in case.name.casefold()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """A pipeline's file, the file of cases beside it, and whether the pipeline's own cases are wanted."""

    pipeline: str
    tests: str | None
    is_own: bool = True


def find(names: Sequence[str], environ: Mapping[str, str], given: Mapping[str, str]) -> list[Cases]:
    """Return what the names on the command line stand for, in their order, each file once.

    Raises:
        BadFile: with the problems of all the files.
        UnreadableFile: there is no such file, or it can't be read.
    """
    problems: list[Problem] = []
    found = []
    for pair in _each_once(pair for name in names for pair in _pairs(name)):
        try:
            found.append(_read(pair, environ, given))
        except BadFile as error:
            problems += error.problems
    if problems:
        raise BadFile(tuple(problems))
    return found


def has_pipeline(name: str) -> bool:
    """Return whether this is a file of cases with its pipeline file beside it."""
    return is_cases_file(Path(name)) and _first(beside(Path(name))) is not None


def _pairs(name: str) -> Iterator[_Pair]:
    path = Path(name)
    if disk.is_folder(path) or not is_cases_file(path):
        for file in expand(name):
            yield _Pair(pipeline=file, tests=_first(beside(Path(file))))
        return
    pipeline = _first(beside(path))
    if pipeline is None:
        wanted = " or ".join(each.name for each in beside(path))
        raise UnreadableFile(f"{name} has no pipeline file beside it: there is no {wanted}")
    yield _Pair(pipeline=pipeline, tests=name, is_own=False)


def _each_once(pairs: Iterable[_Pair]) -> Iterator[_Pair]:
    """Yield each pair once; that of a pipeline's file brings the cases of the file beside it along."""
    found = dict.fromkeys(pairs)
    return (pair for pair in found if pair.is_own or replace(pair, is_own=True) not in found)


def _first(paths: Iterable[Path]) -> str | None:
    return next((str(path) for path in paths if disk.is_file(path)), None)


def _read(pair: _Pair, environ: Mapping[str, str], given: Mapping[str, str]) -> Cases:
    tests: CasesFile | None = None
    if pair.tests is not None:
        # What is wrong with a .env is told with the pipeline's file.
        known, _ = dotenv.beside(Path(pair.tests).parent, environ)
        tests = open_cases(pair.tests, known)
        own = {**environ, **tests.environment, **given}
        environ = dotenv.Complete(own) if isinstance(environ, dotenv.Complete) else own
    loaded = examine(pair.pipeline, environ)
    return Cases(
        file=pair.pipeline,
        pipeline=loaded.pipeline,
        cases=(
            *(loaded.cases if pair.is_own else ()),
            *(cases_of(tests, loaded.pipeline) if tests else ()),
        ),
    )
