"""A pipeline's cases in a file of their own: `NAME_test.yaml` beside `NAME.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ebats.pipelines.cases import Case
from ebats.pipelines.check import check
from ebats.pipelines.load import read_cases
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import BadFile, Problem, UnreadableFile
from ebats.pipelines.source import Source, parse
from ebats.pipelines.values import Values

SUFFIXES = (".yaml", ".yml")
_ENDS = "_test"


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesFile:
    """Such a file: its shape is good, its names aren't looked up yet."""

    source: Source
    #: Variables of the pipeline file.
    environment: Mapping[str, str]


def is_cases_file(path: Path) -> bool:
    """Return whether a file is one of cases, by its name."""
    return path.suffix in SUFFIXES and path.stem.endswith(_ENDS)


def beside(path: Path) -> tuple[Path, ...]:
    """Return the names of a pipeline file's file of cases; of a file of cases, those of its pipeline file."""
    name = path.stem.removesuffix(_ENDS) if is_cases_file(path) else path.stem + _ENDS
    # Of two the one with the same ending.
    return tuple(path.with_name(name + suffix) for suffix in sorted(SUFFIXES, key=path.suffix.__ne__))


def open_cases(path: str, environ: Mapping[str, str]) -> CasesFile:
    """Return a file of cases, filled in from `environ`.

    Raises:
        BadFile: the file has errors that can be seen without the pipeline.
        UnreadableFile: there is no such file, or it can't be read.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UnreadableFile(f"can't read {path}: {error.strerror}") from error
    source, problems = parse(path, content, environ)
    if not source.data and problems:
        raise BadFile(tuple(problems))
    source, misshapen = check(source, "tests.v1")
    _raise_errors((*problems, *misshapen))
    return CasesFile(source=source, environment=source.data.get("environment") or {})


def cases_of(file: CasesFile, pipeline: Pipeline) -> tuple[Case, ...]:
    """Return the cases of a file, about this pipeline.

    Raises:
        BadFile: they don't fit it.
    """
    values = Values(file.source)
    cases = read_cases(values, pipeline)
    _raise_errors(values.problems)
    return cases


def _raise_errors(problems: list[Problem] | tuple[Problem, ...]) -> None:
    if any(problem.severity == "error" for problem in problems):
        raise BadFile(tuple(sorted(set(problems))))
